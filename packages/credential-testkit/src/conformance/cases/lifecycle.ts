import assert from 'node:assert/strict';
import type { CaseGroup } from '../case.ts';
import { failure, refusal } from '../expect.ts';
import { operationsOf } from '../operations.ts';

export const lifecycle: CaseGroup = {
  group: 'lifecycle',
  cases: [
    {
      name: 'connect is done once, and the first operation does without it',
      async run(t) {
        const eager = await t.open();
        assert.equal(eager.state, 'configured');
        await Promise.all([eager.connect(), eager.connect()]);
        assert.equal(eager.state, 'connected');
        await eager.connect();
        const lazy = await t.open();
        assert.equal(await lazy.exists('a', t.context), false);
        assert.equal(lazy.state, 'connected');
      },
    },
    {
      name: 'connect and check store nothing',
      async run(t) {
        const other = await t.open();
        await other.connect();
        await other.check();
        assert.deepEqual(await Array.fromAsync(other.list({}, t.context)), []);
      },
    },
    {
      name: 'after close every operation is CLOSED',
      async run(t) {
        const other = await t.open();
        await other.store('a', t.record(), t.context);
        await other.close();
        assert.equal(other.state, 'closed');
        for (const [name, operation] of Object.entries(operationsOf(other, t))) {
          const error = await failure(operation());
          assert.equal(error.code, 'CLOSED', name);
        }
        assert.equal(await t.provider.exists('a', t.context), true);
      },
    },
    {
      name: 'close can be repeated, and leaves other providers alone',
      async run(t) {
        const other = await t.open();
        await other.connect();
        await Promise.all([other.close(), other.close()]);
        await other.close();
        await other[Symbol.asyncDispose]();
        assert.equal(other.state, 'closed');
        await t.provider.store('a', t.record(), t.context);
        assert.equal(await t.provider.exists('a', t.context), true);
      },
    },
    {
      name: 'close lets what is running end',
      async run(t) {
        const other = await t.open();
        await other.connect();
        const content = t.record();
        const running = other.store('a', content, t.context);
        await other.close();
        await running;
        assert.deepEqual((await t.provider.retrieve('a', t.context)).record, content);
      },
    },
    {
      name: 'close ends a listing before its next page',
      async run(t) {
        const other = await t.open();
        const { provider, context, record, sizes } = t;
        const ids = Array.from({ length: sizes.entries }, (_, at) => `entry-${at}`);
        await Promise.all(ids.map((id) => provider.store(id, record(), context)));
        const reading = (async () => {
          for await (const _ of other.list({}, context)) {
            await other.close();
          }
        })();
        await refusal(reading, 'CLOSED');
      },
    },
  ],
};

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CredentialChange, CredentialFilter, StorageProvider } from '@nebula/credential-core';
import type { CaseContext, CaseGroup } from '../case.ts';
import { refusal } from '../expect.ts';

export const watching: CaseGroup = {
  group: 'watching',
  cases: [
    {
      name: 'a watcher sees what is stored, overwritten and deleted, in order',
      needs: ['watch'],
      async run(t) {
        const { provider, context, record } = t;
        const watcher = await begin(t, provider);
        const first = await provider.store('a', record(), context);
        const second = await provider.store('a', record(), context);
        await provider.delete('a', context);
        for (const revision of [first, second]) {
          const change = await watcher.next();
          assert.deepEqual([change.type, change.id], ['stored', 'a']);
          assert.equal(change.revision ?? revision, revision);
        }
        const change = await watcher.next();
        assert.deepEqual([change.type, change.id], ['deleted', 'a']);
        await watcher.end();
      },
    },
    {
      name: 'a watcher sees its own scope and what its filter lets through',
      needs: ['watch'],
      async run(t) {
        const { provider, context, otherContext, record } = t;
        const tags = { stage: 'prod' };
        const watcher = await begin(t, provider, { tags });
        await provider.store('other-scope', record({ tags }), otherContext());
        await provider.store('other-tag', record({ tags: { stage: 'test' } }), context);
        await provider.store('mine', record({ tags }), context);
        assert.equal((await watcher.next()).id, 'mine');
        await watcher.end();
      },
    },
    {
      name: 'a watch goes on after the change whose cursor it is given',
      needs: ['watch'],
      async run(t) {
        const { provider, context, record } = t;
        const watcher = await begin(t, provider);
        await provider.store('a', record(), context);
        await provider.store('b', record(), context);
        const { cursor } = await watcher.next();
        await watcher.end();
        await provider.store('c', record(), context);
        assert.ok(provider.watch);
        const seen: string[] = [];
        for await (const { id } of provider.watch({}, context, { cursor })) {
          if (seen.push(id) === 2) {
            break;
          }
        }
        assert.deepEqual(seen, ['b', 'c']);
      },
    },
    {
      name: 'a cursor that no watch gave is refused',
      needs: ['watch'],
      async run({ provider, context }) {
        assert.ok(provider.watch);
        const changes = provider.watch({}, context, { cursor: 'none.such' });
        await refusal(firstOf(changes), 'INVALID_ARGUMENT', 'INVALID_STATE');
      },
    },
    {
      name: 'a signal ends a watch with ABORTED, close with CLOSED',
      needs: ['watch'],
      async run(t) {
        const other = await t.open();
        assert.ok(other.watch);
        const reason = new Error('enough');
        const controller = new AbortController();
        const aborted = firstOf(other.watch({}, t.context, { signal: controller.signal }));
        controller.abort(reason);
        assert.equal((await refusal(aborted, 'ABORTED')).cause, reason);
        const watcher = await begin(t, other);
        const closed = watcher.next();
        await Promise.all([refusal(closed, 'CLOSED'), other.close()]);
      },
    },
  ],
};

interface Watcher {
  next(): Promise<CredentialChange>;
  end(): Promise<void>;
}

/** How long a change may take to be seen, in milliseconds. */
const patience = 10_000;

/** Watches the case's scope, and resolves once changes are seen for sure: at a backend a watch takes time to begin. */
async function begin(
  { context, record }: CaseContext,
  provider: StorageProvider,
  filter: CredentialFilter = {},
): Promise<Watcher> {
  assert.ok(provider.watch, 'capabilities.watch promises provider.watch');
  const signal = AbortSignal.timeout(patience);
  const changes = provider.watch(filter, context, { signal })[Symbol.asyncIterator]();
  let begun = false;
  const first = changes.next().finally(() => {
    begun = true;
  });
  while (!begun) {
    await provider.store('begin', record({ tags: filter.tags ?? {} }), context);
    // A rejection is thrown below.
    await Promise.race([first, sleep(20)]).catch(() => undefined);
  }
  assert.equal((await first).done, false);
  return {
    async next() {
      for (;;) {
        const { value, done } = await changes.next();
        assert.equal(done, false, 'a watch goes on');
        if (value.id !== 'begin') {
          return value;
        }
      }
    },
    async end() {
      await changes.return?.();
    },
  };
}

async function firstOf(changes: AsyncIterable<CredentialChange>): Promise<CredentialChange | undefined> {
  for await (const change of changes) {
    return change;
  }
  return undefined;
}

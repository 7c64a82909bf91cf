import assert from 'node:assert/strict';
import type { CaseGroup } from '../case.ts';
import { refusal } from '../expect.ts';

export const presence: CaseGroup = {
  group: 'presence',
  cases: [
    {
      name: 'what was never stored is NOT_FOUND',
      async run({ provider, context }) {
        const error = await refusal(provider.retrieve('absent', context), 'NOT_FOUND');
        assert.equal(error.provider, provider.name);
        assert.equal(error.operation, 'retrieve');
        assert.equal(error.id, 'absent');
        await refusal(provider.head('absent', context), 'NOT_FOUND');
      },
    },
    {
      name: 'exists tells present from absent',
      async run({ provider, context, record }) {
        assert.equal(await provider.exists('a', context), false);
        await provider.store('a', record(), context);
        assert.equal(await provider.exists('a', context), true);
        await provider.delete('a', context);
        assert.equal(await provider.exists('a', context), false);
      },
    },
    {
      name: 'what is stored is read back unchanged',
      async run({ provider, context, record }) {
        const stored = record({ tags: { team: 'payments', 'cost-center': '42' } });
        const revision = await provider.store('a', stored, context);
        const found = await provider.retrieve('a', context);
        assert.equal(found.id, 'a');
        assert.deepEqual(found.record, stored);
        assert.equal(found.revision, revision);
      },
    },
    {
      name: 'storing again overwrites all of it',
      async run({ provider, context, record }) {
        const first = await provider.store('a', record({ tags: { old: 'yes', both: 'before' } }), context);
        const next = record({ tags: { both: 'after' } });
        const second = await provider.store('a', next, context);
        assert.notEqual(second, first);
        const found = await provider.retrieve('a', context);
        assert.deepEqual(found.record, next);
        assert.deepEqual(found.metadata.tags, { both: 'after' });
        assert.equal(found.revision, second);
      },
    },
    {
      name: 'storing equal content again gives a new revision',
      async run({ provider, context, record }) {
        const content = record();
        const first = await provider.store('a', content, context);
        const second = await provider.store('a', { ...content, writeId: record().writeId }, context);
        assert.notEqual(second, first);
      },
    },
    {
      name: 'delete removes it for every reader',
      async run({ provider, context, record, open }) {
        const other = await open();
        await provider.store('a', record(), context);
        await provider.store('b', record(), context);
        await provider.delete('a', context);
        for (const reader of [provider, other]) {
          await refusal(reader.retrieve('a', context), 'NOT_FOUND');
          await refusal(reader.head('a', context), 'NOT_FOUND');
          assert.equal(await reader.exists('a', context), false);
          assert.equal(await reader.exists('b', context), true);
        }
      },
    },
    {
      name: 'delete of an absent credential succeeds',
      async run({ provider, context, record }) {
        assert.equal(await provider.delete('a', context), undefined);
        await provider.store('a', record(), context);
        await provider.delete('a', context);
        assert.equal(await provider.delete('a', context), undefined);
      },
    },
    {
      name: 'a deleted name can be stored again, with another revision',
      async run({ provider, context, record }) {
        const content = record();
        const first = await provider.store('a', content, context);
        await provider.delete('a', context);
        const again = { ...content, writeId: record().writeId };
        const second = await provider.store('a', again, context);
        assert.notEqual(second, first);
        assert.deepEqual((await provider.retrieve('a', context)).record, again);
      },
    },
    {
      name: 'head agrees with retrieve',
      async run({ provider, context, record }) {
        await provider.store('a', record({ tags: { team: 'payments' } }), context);
        const { record: _value, ...rest } = await provider.retrieve('a', context);
        assert.deepEqual(await provider.head('a', context), rest);
      },
    },
    {
      name: 'retrieve with ifNotRevision gives undefined until it changes',
      async run({ provider, context, record }) {
        const revision = await provider.store('a', record(), context);
        const options = { ifNotRevision: revision };
        assert.equal(await provider.retrieve('a', context, options), undefined);
        const next = record();
        await provider.store('a', next, context);
        assert.deepEqual((await provider.retrieve('a', context, options))?.record, next);
        await provider.delete('a', context);
        await refusal(provider.retrieve('a', context, options), 'NOT_FOUND');
      },
    },
    {
      name: 'another provider on the same storage sees the write at once',
      async run({ provider, context, record, open }) {
        const other = await open();
        for (const writer of [provider, other, provider]) {
          const content = record();
          const revision = await writer.store('a', content, context);
          for (const reader of [provider, other]) {
            const found = await reader.retrieve('a', context);
            assert.deepEqual(found.record, content);
            assert.equal(found.revision, revision);
          }
        }
      },
    },
  ],
};

import assert from 'node:assert/strict';
import type { DeletedCredentials } from '@nebula/credential-core';
import type { CaseContext, CaseGroup } from '../case.ts';
import { refusal } from '../expect.ts';

export const deleted: CaseGroup = {
  group: 'deleted',
  cases: [
    {
      name: 'what was deleted is listed as deleted only',
      needs: ['deleted'],
      async run(t) {
        const { provider, context, record } = t;
        await provider.store('a', record(), context);
        await provider.store('b', record(), context);
        assert.deepEqual(await deletedIds(t), []);
        await provider.delete('a', context);
        await t.settled(async () => {
          assert.deepEqual(await deletedIds(t), ['a']);
          assert.deepEqual(await Array.fromAsync(provider.list({}, context)), ['b']);
        });
      },
    },
    {
      name: 'restore brings back value, metadata and listing',
      needs: ['deleted'],
      async run(t) {
        const { provider, context, record } = t;
        const content = record({ tags: { team: 'payments' } });
        await provider.store('a', content, context);
        await provider.delete('a', context);
        const revision = await binOf(t).restore('a', context);
        const found = await provider.retrieve('a', context);
        assert.deepEqual(found.record, content);
        assert.equal(found.revision, revision);
        await t.settled(async () => {
          assert.deepEqual(await deletedIds(t), []);
          const tags = { team: 'payments' };
          assert.deepEqual(await Array.fromAsync(provider.list({ tags }, context)), ['a']);
        });
      },
    },
    {
      name: 'restore of what is in use is ALREADY_EXISTS, of anything else NOT_FOUND',
      needs: ['deleted'],
      async run(t) {
        const { provider, context, record } = t;
        await refusal(binOf(t).restore('a', context), 'NOT_FOUND');
        await provider.store('a', record(), context);
        await refusal(binOf(t).restore('a', context), 'ALREADY_EXISTS');
        await provider.delete('a', context);
        const content = record();
        await provider.store('a', content, context);
        await refusal(binOf(t).restore('a', context), 'ALREADY_EXISTS');
        assert.deepEqual((await provider.retrieve('a', context)).record, content);
      },
    },
    {
      name: 'purge removes what was deleted for good',
      needs: ['deleted'],
      async run(t) {
        const { provider, context, record } = t;
        await provider.store('a', record(), context);
        await provider.delete('a', context);
        await binOf(t).purge('a', context);
        await refusal(binOf(t).restore('a', context), 'NOT_FOUND');
        await t.settled(async () => assert.deepEqual(await deletedIds(t), []));
        assert.equal(await provider.exists('a', context), false);
        assert.equal(await binOf(t).purge('a', context), undefined);
        const content = record();
        await provider.store('a', content, context);
        assert.deepEqual((await provider.retrieve('a', context)).record, content);
      },
    },
    {
      name: 'purge leaves what is not deleted',
      needs: ['deleted'],
      async run(t) {
        const { provider, context, record } = t;
        assert.equal(await binOf(t).purge('a', context), undefined);
        const content = record();
        await provider.store('a', content, context);
        assert.equal(await binOf(t).purge('a', context), undefined);
        assert.deepEqual((await provider.retrieve('a', context)).record, content);
      },
    },
    {
      name: 'a deleted name can be written, with ifAbsent too',
      needs: ['deleted', 'ifAbsent'],
      async run(t) {
        const { provider, context, record } = t;
        for (const options of [{}, { ifAbsent: true }]) {
          await provider.store('a', record(), context);
          await provider.delete('a', context);
          const content = record();
          const revision = await provider.store('a', content, context, options);
          const found = await provider.retrieve('a', context);
          assert.deepEqual(found.record, content);
          assert.equal(found.revision, revision);
        }
      },
    },
    {
      name: 'a revision that a restore gave lets a write through, one from before the delete does not while it is deleted',
      needs: ['deleted', 'ifRevision'],
      async run(t) {
        const { provider, context, record } = t;
        const ifRevision = await provider.store('a', record(), context);
        await provider.delete('a', context);
        await refusal(provider.store('a', record(), context, { ifRevision }), 'CONFLICT');
        const revision = await binOf(t).restore('a', context);
        await provider.store('a', record(), context, { ifRevision: revision });
      },
    },
  ],
};

function binOf({ provider }: CaseContext): DeletedCredentials {
  assert.ok(provider.deleted, 'capabilities.deleted promises provider.deleted');
  return provider.deleted;
}

async function deletedIds(t: CaseContext): Promise<readonly string[]> {
  const lines = await Array.fromAsync(binOf(t).list(t.context));
  return lines.map(({ id }) => id);
}

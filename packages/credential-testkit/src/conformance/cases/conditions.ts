import assert from 'node:assert/strict';
import { hasCode, type Revision, type StorageProvider } from '@nebula/credential-core';
import type { CaseContext, CaseGroup } from '../case.ts';
import { refusal, refusalWithoutCall } from '../expect.ts';

export const conditions: CaseGroup = {
  group: 'conditions',
  cases: [
    {
      name: 'ifAbsent stores what is not there',
      needs: ['ifAbsent'],
      async run({ provider, context, record }) {
        const content = record();
        const revision = await provider.store('a', content, context, { ifAbsent: true });
        const found = await provider.retrieve('a', context);
        assert.deepEqual(found.record, content);
        assert.equal(found.revision, revision);
      },
    },
    {
      name: 'ifAbsent leaves what is there',
      needs: ['ifAbsent'],
      async run({ provider, context, record }) {
        const content = record();
        const revision = await provider.store('a', content, context);
        const error = await refusal(
          provider.store('a', record(), context, { ifAbsent: true }),
          'ALREADY_EXISTS',
        );
        assert.equal(error.outcome, 'not-applied');
        const found = await provider.retrieve('a', context);
        assert.deepEqual(found.record, content);
        assert.equal(found.revision, revision);
      },
    },
    {
      name: 'ifAbsent stores what was deleted',
      needs: ['ifAbsent'],
      async run({ provider, context, record }) {
        await provider.store('a', record(), context);
        await provider.delete('a', context);
        const content = record();
        await provider.store('a', content, context, { ifAbsent: true });
        assert.deepEqual((await provider.retrieve('a', context)).record, content);
      },
    },
    {
      name: 'of writers that race with ifAbsent one wins',
      needs: ['ifAbsent'],
      async run(t) {
        const { context, record } = t;
        const providers = [t.provider, await t.open()];
        const records = Array.from({ length: t.sizes.racers }, () => record());
        const results = await Promise.allSettled(
          records.map((content, at) => pick(providers, at).store('a', content, context, { ifAbsent: true })),
        );
        const winners = records.filter((_, at) => results[at]?.status === 'fulfilled');
        assert.equal(winners.length, 1);
        for (const result of results) {
          if (result.status === 'rejected') {
            const error = await refusal(Promise.reject(result.reason), 'ALREADY_EXISTS');
            assert.equal(error.outcome, 'not-applied');
          }
        }
        assert.deepEqual((await t.provider.retrieve('a', context)).record, winners[0]);
      },
    },
    {
      name: 'ifRevision lets the write through while the revision holds',
      needs: ['ifRevision'],
      async run({ provider, context, record }) {
        let revision = await provider.store('a', record(), context);
        for (const content of [record(), record()]) {
          revision = await provider.store('a', content, context, { ifRevision: revision });
          const found = await provider.retrieve('a', context);
          assert.deepEqual(found.record, content);
          assert.equal(found.revision, revision);
        }
      },
    },
    {
      name: 'ifRevision refuses an old revision, one of nobody, and what is gone',
      needs: ['ifRevision'],
      async run({ provider, context, record }) {
        const content = record();
        const old = await provider.store('a', record(), context);
        const revision = await provider.store('a', content, context);
        for (const ifRevision of [old, `${revision}0`, 'none', '0'] as Revision[]) {
          const error = await refusal(provider.store('a', record(), context, { ifRevision }), 'CONFLICT');
          assert.equal(error.outcome, 'not-applied');
        }
        const found = await provider.retrieve('a', context);
        assert.deepEqual(found.record, content);
        assert.equal(found.revision, revision);
        await refusal(provider.store('absent', record(), context, { ifRevision: revision }), 'CONFLICT');
        await provider.delete('a', context);
        await refusal(provider.store('a', record(), context, { ifRevision: revision }), 'CONFLICT');
        assert.equal(await provider.exists('a', context), false);
        assert.equal(await provider.exists('absent', context), false);
      },
    },
    {
      name: 'ifRevision refuses a revision from before a delete',
      needs: ['ifRevision'],
      async run({ provider, context, record }) {
        const revisions = [await provider.store('a', record(), context)];
        revisions.push(await provider.store('a', record(), context));
        await provider.delete('a', context);
        const content = record();
        await provider.store('a', content, context);
        for (const ifRevision of revisions) {
          await refusal(provider.store('a', record(), context, { ifRevision }), 'CONFLICT');
        }
        assert.deepEqual((await provider.retrieve('a', context)).record, content);
      },
    },
    {
      name: 'of writers that race with one ifRevision one wins',
      needs: ['ifRevision'],
      async run(t) {
        const { context, record } = t;
        const providers = [t.provider, await t.open()];
        const ifRevision = await t.provider.store('a', record(), context);
        const records = Array.from({ length: t.sizes.racers }, () => record());
        const results = await Promise.allSettled(
          records.map((content, at) => pick(providers, at).store('a', content, context, { ifRevision })),
        );
        const winners = records.filter((_, at) => results[at]?.status === 'fulfilled');
        assert.equal(winners.length, 1);
        for (const result of results) {
          if (result.status === 'rejected') {
            await refusal(Promise.reject(result.reason), 'CONFLICT');
          }
        }
        assert.deepEqual((await t.provider.retrieve('a', context)).record, winners[0]);
      },
    },
    {
      name: 'racing read-modify-write with ifRevision loses no update',
      needs: ['ifRevision'],
      async run(t) {
        const { context, record } = t;
        const providers = [t.provider, await t.open()];
        await t.provider.store('counter', record({ tags: { count: '0' } }), context);
        await Promise.all(
          Array.from({ length: t.sizes.racers }, (_, at) => increment(t, pick(providers, at))),
        );
        const { tags } = (await t.provider.head('counter', context)).metadata;
        assert.equal(tags['count'], String(t.sizes.racers));
      },
    },
    {
      name: 'delete with ifRevision deletes while the revision holds',
      needs: ['deleteIfRevision'],
      async run({ provider, context, record }) {
        const content = record();
        const old = await provider.store('a', record(), context);
        const revision = await provider.store('a', content, context);
        for (const ifRevision of [old, 'none' as Revision]) {
          const error = await refusal(provider.delete('a', context, { ifRevision }), 'CONFLICT');
          assert.equal(error.outcome, 'not-applied');
        }
        assert.deepEqual((await provider.retrieve('a', context)).record, content);
        await provider.delete('a', context, { ifRevision: revision });
        assert.equal(await provider.exists('a', context), false);
        assert.equal(await provider.delete('a', context, { ifRevision: revision }), undefined);
      },
    },
    {
      name: 'ifAbsent and ifRevision together are refused before any call',
      async run({ provider, context, record }) {
        const options = { ifAbsent: true, ifRevision: 'r' as Revision };
        await refusalWithoutCall(
          provider,
          () => provider.store('a', record(), context, options),
          'INVALID_ARGUMENT',
        );
      },
    },
  ],
};

function pick(providers: readonly StorageProvider[], at: number): StorageProvider {
  const found = providers[at % providers.length];
  assert.ok(found);
  return found;
}

/** As an application does it: again from the start after every CONFLICT. */
async function increment({ context, record }: CaseContext, provider: StorageProvider): Promise<void> {
  for (;;) {
    const { metadata, revision } = await provider.head('counter', context);
    const count = String(Number(metadata.tags['count']) + 1);
    try {
      await provider.store('counter', record({ tags: { count } }), context, { ifRevision: revision });
      return;
    } catch (error) {
      if (!hasCode(error, 'CONFLICT')) {
        throw error;
      }
    }
  }
}

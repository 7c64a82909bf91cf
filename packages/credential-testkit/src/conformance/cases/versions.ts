import assert from 'node:assert/strict';
import type { VersionHistory } from '@nebula/credential-core';
import type { CaseContext, CaseGroup } from '../case.ts';
import { refusal } from '../expect.ts';

export const versions: CaseGroup = {
  group: 'versions',
  cases: [
    {
      name: 'the history lists every version, newest first, one of them current',
      needs: ['versions'],
      async run(t) {
        const { provider, context, record } = t;
        const records = [record(), record(), record()];
        for (const content of records) {
          await provider.store('a', content, context);
        }
        const found = await Array.fromAsync(historyOf(t).list('a', context));
        assert.deepEqual(
          found.map(({ current }) => current),
          [true, false, false],
        );
        assert.equal(new Set(found.map(({ version }) => version)).size, 3);
        for (const [at, { version }] of found.entries()) {
          const old = await provider.retrieve('a', context, { version });
          assert.deepEqual(old.record, records[2 - at]);
        }
      },
    },
    {
      name: 'restore makes an old version current and keeps the one it replaces',
      needs: ['versions'],
      async run(t) {
        const { provider, context, record } = t;
        const [first, second] = [record({ tags: { n: '1' } }), record({ tags: { n: '2' } })];
        const before = [
          await provider.store('a', first, context),
          await provider.store('a', second, context),
        ];
        const history = await Array.fromAsync(historyOf(t).list('a', context));
        const revision = await historyOf(t).restore('a', history[1]?.version ?? '', context);
        assert.ok(!before.includes(revision), 'a restore gives a revision of its own');
        const found = await provider.retrieve('a', context);
        assert.deepEqual(found.record, first);
        assert.equal(found.revision, revision);
        const kept = await provider.retrieve('a', context, { version: history[0]?.version ?? '' });
        assert.deepEqual(kept.record, second);
        await t.settled(async () => {
          const [entry] = await Array.fromAsync(provider.entries({}, context));
          assert.deepEqual(entry?.tags, { n: '1' });
        });
      },
    },
    {
      name: 'a restore makes the revision before it stale',
      needs: ['versions', 'ifRevision'],
      async run(t) {
        const { provider, context, record } = t;
        await provider.store('a', record(), context);
        const ifRevision = await provider.store('a', record(), context);
        const [, old] = await Array.fromAsync(historyOf(t).list('a', context));
        const revision = await historyOf(t).restore('a', old?.version ?? '', context);
        await refusal(provider.store('a', record(), context, { ifRevision }), 'CONFLICT');
        await provider.store('a', record(), context, { ifRevision: revision });
      },
    },
    {
      name: 'there is no history, and nothing to restore, of what is absent',
      needs: ['versions'],
      async run(t) {
        const { provider, context, record } = t;
        await refusal(Array.fromAsync(historyOf(t).list('a', context)), 'NOT_FOUND');
        await provider.store('a', record(), context);
        const [only] = await Array.fromAsync(historyOf(t).list('a', context));
        assert.ok(only);
        await refusal(historyOf(t).restore('b', only.version, context), 'NOT_FOUND');
        await refusal(provider.retrieve('b', context, { version: only.version }), 'NOT_FOUND');
        await provider.delete('a', context);
        await refusal(Array.fromAsync(historyOf(t).list('a', context)), 'NOT_FOUND');
        await refusal(historyOf(t).restore('a', only.version, context), 'NOT_FOUND');
      },
    },
    {
      name: 'a version that there never was is NOT_FOUND',
      needs: ['versions'],
      async run(t) {
        const { provider, context, record } = t;
        const content = record();
        await provider.store('a', content, context);
        for (const version of ['999999', '0', '-1', 'none', '../1', '1e0', ' 1']) {
          await refusal(provider.retrieve('a', context, { version }), 'NOT_FOUND');
          await refusal(historyOf(t).restore('a', version, context), 'NOT_FOUND');
        }
        assert.deepEqual((await provider.retrieve('a', context)).record, content);
      },
    },
  ],
};

function historyOf({ provider }: CaseContext): VersionHistory {
  assert.ok(provider.versions, 'capabilities.versions promises provider.versions');
  return provider.versions;
}

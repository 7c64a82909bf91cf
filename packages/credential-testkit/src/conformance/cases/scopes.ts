import assert from 'node:assert/strict';
import type { CaseGroup } from '../case.ts';
import { refusal, sameMembers } from '../expect.ts';

export const scopes: CaseGroup = {
  group: 'scopes',
  cases: [
    {
      name: 'one id under two scopes and under none is three credentials',
      async run({ provider, context, otherContext, unscopedId, record }) {
        const id = unscopedId();
        const places = [undefined, context, otherContext()];
        const records = places.map(() => record());
        for (const [at, place] of places.entries()) {
          await provider.store(id, records[at] ?? record(), place);
        }
        for (const [at, place] of places.entries()) {
          assert.deepEqual((await provider.retrieve(id, place)).record, records[at]);
        }
        await provider.delete(id, context);
        assert.deepEqual(await Promise.all(places.map((place) => provider.exists(id, place))), [
          true,
          false,
          true,
        ]);
        await provider.delete(id);
        assert.deepEqual(await Promise.all(places.map((place) => provider.exists(id, place))), [
          false,
          false,
          true,
        ]);
      },
    },
    {
      name: 'what lies under one scope is absent under another and under none',
      async run({ provider, context, otherContext, unscopedId, record }) {
        const id = unscopedId();
        await provider.store(id, record(), context);
        for (const place of [undefined, otherContext()]) {
          await refusal(provider.retrieve(id, place), 'NOT_FOUND');
          await refusal(provider.head(id, place), 'NOT_FOUND');
          assert.equal(await provider.exists(id, place), false);
          await provider.delete(id, place);
        }
        assert.equal(await provider.exists(id, context), true);
      },
    },
    {
      name: 'what lies under none is absent under a scope',
      async run({ provider, context, unscopedId, record }) {
        const id = unscopedId();
        await provider.store(id, record());
        await refusal(provider.retrieve(id, context), 'NOT_FOUND');
        assert.equal(await provider.exists(id, context), false);
        await provider.delete(id, context);
        assert.equal(await provider.exists(id), true);
      },
    },
    {
      name: 'lists show one scope only',
      async run({ provider, context, otherContext, unscopedId, record, settled }) {
        const other = otherContext();
        const [shared, mine, unscoped] = [unscopedId(), unscopedId(), unscopedId()];
        await provider.store(shared, record({ tags: { in: 'one' } }), context);
        await provider.store(mine, record(), context);
        await provider.store(shared, record({ tags: { in: 'other' } }), other);
        await provider.store(unscoped, record());
        await settled(async () => {
          sameMembers(await Array.fromAsync(provider.list({}, context)), [shared, mine]);
          assert.deepEqual(await Array.fromAsync(provider.list({}, other)), [shared]);
          assert.deepEqual(await Array.fromAsync(provider.list({ tags: { in: 'one' } }, other)), []);
          const [entry] = await Array.fromAsync(provider.entries({}, other));
          assert.deepEqual(entry?.tags, { in: 'other' });
          const own = new Set([shared, mine, unscoped]);
          const withoutScope: string[] = await Array.fromAsync(provider.list());
          assert.deepEqual(
            withoutScope.filter((id) => own.has(id) || own.has(id.slice(id.lastIndexOf('/') + 1))),
            [unscoped],
          );
        });
      },
    },
    {
      name: 'a scope and an id that are joined in another way stay apart',
      async run({ provider, context, otherContext, unscopedId, record, settled }) {
        const { scope } = context;
        const joined = otherContext(`${scope}-x`);
        const places = [
          ['x', context],
          ['x/y', context],
          ['x', joined],
          [unscopedId(`${scope}-x`), undefined],
          [unscopedId(`${scope}/x`), undefined],
          [unscopedId(`${scope}/x/y`), undefined],
        ] as const;
        for (const [at, [id, place]] of places.entries()) {
          await provider.store(id, record({ tags: { at: String(at) } }), place);
          for (const [later, [absent, elsewhere]] of places.entries()) {
            assert.equal(await provider.exists(absent, elsewhere), later <= at);
          }
        }
        for (const [at, [id, place]] of places.entries()) {
          assert.deepEqual((await provider.head(id, place)).metadata.tags, { at: String(at) });
        }
        await settled(async () => {
          sameMembers(await Array.fromAsync(provider.list({}, context)), ['x', 'x/y']);
          assert.deepEqual(await Array.fromAsync(provider.list({}, joined)), ['x']);
        });
      },
    },
    {
      name: 'ifAbsent looks at its own scope only',
      needs: ['ifAbsent'],
      async run({ provider, context, otherContext, record }) {
        await provider.store('a', record(), context);
        const content = record();
        await provider.store('a', content, otherContext(), { ifAbsent: true });
        await refusal(provider.store('a', record(), context, { ifAbsent: true }), 'ALREADY_EXISTS');
      },
    },
    {
      name: 'a revision of another scope does not let a write through',
      needs: ['ifRevision'],
      async run({ provider, context, otherContext, record }) {
        const other = otherContext();
        const content = record();
        const revision = await provider.store('a', record(), context);
        await provider.store('a', content, other);
        await refusal(provider.store('a', record(), other, { ifRevision: revision }), 'CONFLICT');
        await refusal(provider.store('b', record(), other, { ifRevision: revision }), 'CONFLICT');
        assert.deepEqual((await provider.retrieve('a', other)).record, content);
      },
    },
    {
      name: 'versions of one scope are neither seen, read nor restored under another',
      needs: ['versions'],
      async run({ provider, context, otherContext, record }) {
        const { versions } = provider;
        assert.ok(versions);
        const other = otherContext();
        await provider.store('a', record(), context);
        await provider.store('a', record(), context);
        const history = await Array.fromAsync(versions.list('a', context));
        for (const { version } of history) {
          await refusal(provider.retrieve('a', other, { version }), 'NOT_FOUND');
          await refusal(versions.restore('a', version, other), 'NOT_FOUND');
        }
        await refusal(Array.fromAsync(versions.list('a', other)), 'NOT_FOUND');
        assert.equal(await provider.exists('a', other), false);
      },
    },
    {
      name: 'what was deleted in one scope is neither seen, restored nor purged from another',
      needs: ['deleted'],
      async run({ provider, context, otherContext, unscopedId, record, settled }) {
        const { deleted } = provider;
        assert.ok(deleted);
        const id = unscopedId();
        const content = record();
        await provider.store(id, content, context);
        await provider.delete(id, context);
        for (const place of [otherContext(), undefined]) {
          await refusal(deleted.restore(id, place), 'NOT_FOUND');
          await deleted.purge(id, place);
          const seen = await Array.fromAsync(deleted.list(place));
          assert.ok(seen.every((line) => line.id !== id));
        }
        await settled(async () => {
          const seen = await Array.fromAsync(deleted.list(context));
          assert.deepEqual(
            seen.map((line) => line.id),
            [id],
          );
        });
        await deleted.restore(id, context);
        assert.deepEqual((await provider.retrieve(id, context)).record, content);
      },
    },
    {
      name: 'scopes lists every scope that holds a credential, once',
      needs: ['scopes'],
      async run({ provider, context, otherContext, unscopedId, record, settled }) {
        assert.ok(provider.scopes);
        const list = provider.scopes;
        const other = otherContext();
        const empty = otherContext();
        await provider.store('a', record(), context);
        await provider.store('b', record(), context);
        await provider.store('a', record(), other);
        await provider.store(unscopedId(), record());
        const mine = new Set([context.scope, other.scope, empty.scope].map(String));
        await settled(async () => {
          const found = (await Array.fromAsync(list())).map(String);
          sameMembers(
            found.filter((scope) => mine.has(scope)),
            [context.scope, other.scope].map(String),
          );
          assert.equal(new Set(found).size, found.length, 'no scope is listed twice');
        });
      },
    },
  ],
};

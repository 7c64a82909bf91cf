import assert from 'node:assert/strict';
import type { CaseContext, CaseGroup } from '../case.ts';
import { sameMembers } from '../expect.ts';

const day = (number: number): Date => new Date(Date.UTC(2001, 0, number, 12, 0, 0, 1));

export const listing: CaseGroup = {
  group: 'listing',
  cases: [
    {
      name: 'an empty scope lists nothing',
      async run({ provider, context }) {
        assert.deepEqual(await Array.fromAsync(provider.list({}, context)), []);
        assert.deepEqual(await Array.fromAsync(provider.entries({}, context)), []);
      },
    },
    {
      name: 'one credential lists as one, and not once it is deleted',
      async run({ provider, context, record, settled }) {
        await provider.store('a', record(), context);
        await provider.store('a', record(), context);
        await settled(async () => assert.deepEqual(await Array.fromAsync(provider.list({}, context)), ['a']));
        await provider.delete('a', context);
        await settled(async () => assert.deepEqual(await Array.fromAsync(provider.list({}, context)), []));
      },
    },
    {
      name: 'entries agree with head',
      async run({ provider, context, record, settled }) {
        const tags = { team: 'payments', stage: 'Prod 1' };
        await provider.store('a', record({ tags, lastModified: day(1) }), context);
        const head = await provider.head('a', context);
        await settled(async () => {
          const [entry] = await Array.fromAsync(provider.entries({}, context));
          assert.equal(entry?.id, 'a');
          assert.deepEqual(entry?.tags, tags);
          assert.deepEqual(entry?.lastModified ?? day(1), head.metadata.lastModified);
          assert.equal(entry?.revision ?? head.revision, head.revision);
        });
      },
    },
    {
      name: 'many pages list every credential once',
      async run(t) {
        const { provider, context, settled } = t;
        const ids = await fill(t, 'many');
        await settled(async () => {
          sameMembers(await Array.fromAsync(provider.list({}, context)), ids);
          const entries = await Array.fromAsync(provider.entries({}, context));
          sameMembers(
            entries.map(({ id }) => id),
            ids,
          );
        });
      },
    },
    {
      name: 'a filter that matches few of many pages finds them all',
      async run(t) {
        const { provider, context, record, settled } = t;
        const ids = await fill(t, 'many');
        const marked = [ids.at(0), ids.at(ids.length / 2), ids.at(-1)].filter((id) => id !== undefined);
        for (const id of marked) {
          await provider.store(id, record({ tags: { marked: 'yes' } }), context);
        }
        await settled(async () =>
          sameMembers(await Array.fromAsync(provider.list({ tags: { marked: 'yes' } }, context)), marked),
        );
      },
    },
    {
      name: 'what exists throughout is listed exactly once while others come and go',
      async run(t) {
        const { provider, context, record, open, settled } = t;
        const ids = await fill(t, 'kept');
        await settled(async () => sameMembers(await Array.fromAsync(provider.list({}, context)), ids));
        const writer = await open();
        const listed: string[] = [];
        let turn = 0;
        for await (const id of provider.list({}, context)) {
          listed.push(id);
          // Overwrites some that are kept, adds some in front of, between and behind them, and takes those away again.
          if (listed.length % 10 === 0) {
            turn += 1;
            const passing = ['aa', 'kept-1', 'zz'].map((prefix) => `${prefix}-${turn}-passing`);
            await writer.store(ids[(turn * 7) % ids.length] ?? 'kept-0', record(), context);
            await Promise.all(passing.map((name) => writer.store(name, record(), context)));
            await Promise.all(passing.map((name) => writer.delete(name, context)));
          }
        }
        const kept = new Set(ids);
        sameMembers(
          listed.filter((id) => kept.has(id)),
          ids,
        );
        assert.equal(new Set(listed).size, listed.length, 'no id is listed twice');
      },
    },
    {
      name: 'tags: all must match, exactly, each with its own value',
      async run({ provider, context, record, settled }) {
        const tagged = {
          both: { a: '1', b: '2' },
          swapped: { a: '2', b: '1' },
          longer: { a: '11', b: '2' },
          upper: { A: '1', b: '2' },
          one: { a: '1' },
          none: {},
        };
        for (const [id, tags] of Object.entries(tagged)) {
          await provider.store(id, record({ tags }), context);
        }
        const expectations = [
          [{ a: '1', b: '2' }, ['both']],
          [{ a: '1' }, ['both', 'one']],
          [{ b: '2' }, ['both', 'longer', 'upper']],
          [{ a: '' }, []],
          [{ a: '1', c: '3' }, []],
          [{}, Object.keys(tagged)],
        ] as const;
        for (const [tags, ids] of expectations) {
          await settled(async () =>
            sameMembers(await Array.fromAsync(provider.list({ tags }, context)), ids, JSON.stringify(tags)),
          );
        }
      },
    },
    {
      name: 'tags of case and prefix alike are told apart',
      async run({ provider, context, record, settled }) {
        for (const [id, stage] of Object.entries({
          a: 'prod',
          b: 'Prod',
          c: 'production',
          d: '!prod',
          e: 'pro',
        })) {
          await provider.store(id, record({ tags: { stage } }), context);
        }
        for (const [id, stage] of Object.entries({ a: 'prod', b: 'Prod', d: '!prod', e: 'pro' })) {
          await settled(async () =>
            assert.deepEqual(await Array.fromAsync(provider.list({ tags: { stage } }, context)), [id]),
          );
        }
      },
    },
    {
      name: 'a tag that was changed or taken away is no longer found',
      async run({ provider, context, record, settled }) {
        await provider.store('a', record({ tags: { stage: 'test', old: 'yes' } }), context);
        await provider.store('a', record({ tags: { stage: 'prod' } }), context);
        const expectations = [
          [{ stage: 'prod' }, ['a']],
          [{ stage: 'test' }, []],
          [{ old: 'yes' }, []],
        ] as const;
        for (const [tags, ids] of expectations) {
          await settled(async () =>
            sameMembers(await Array.fromAsync(provider.list({ tags }, context)), ids),
          );
        }
      },
    },
    {
      name: 'dates: from modifiedAfter on, up to before modifiedBefore',
      async run({ provider, context, record, settled }) {
        for (const number of [1, 2, 3]) {
          const tags = { odd: String(number % 2 === 1) };
          await provider.store(`day-${number}`, record({ lastModified: day(number), tags }), context);
        }
        const later = new Date(day(2).getTime() + 1);
        const expectations = [
          [{ modifiedAfter: day(2) }, ['day-2', 'day-3']],
          [{ modifiedAfter: later }, ['day-3']],
          [{ modifiedBefore: day(2) }, ['day-1']],
          [{ modifiedBefore: later }, ['day-1', 'day-2']],
          [{ modifiedAfter: day(2), modifiedBefore: day(3) }, ['day-2']],
          [{ modifiedAfter: day(1), tags: { odd: 'true' } }, ['day-1', 'day-3']],
          [{ modifiedAfter: day(3), modifiedBefore: day(3) }, []],
        ] as const;
        for (const [filter, ids] of expectations) {
          await settled(async () =>
            sameMembers(await Array.fromAsync(provider.list(filter, context)), ids, JSON.stringify(filter)),
          );
        }
      },
    },
    {
      name: 'a reader may leave early and begin again',
      async run(t) {
        const { provider, context, settled } = t;
        const ids = await fill(t, 'many');
        for await (const id of provider.list({}, context)) {
          assert.ok(ids.includes(id));
          break;
        }
        await settled(async () => sameMembers(await Array.fromAsync(provider.list({}, context)), ids));
      },
    },
  ],
};

/** Stores `sizes.entries` credentials in the case's scope. */
async function fill({ provider, context, record, sizes }: CaseContext, prefix: string): Promise<string[]> {
  const ids = Array.from({ length: sizes.entries }, (_, at) => `${prefix}-${at}`);
  await Promise.all(ids.map((id) => provider.store(id, record(), context)));
  return ids;
}

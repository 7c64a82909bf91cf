import assert from 'node:assert/strict';
import type { CaseGroup } from '../case.ts';
import { sameMembers } from '../expect.ts';

export const concurrency: CaseGroup = {
  group: 'concurrency',
  cases: [
    {
      name: 'many reads at once all succeed',
      async run({ provider, context, record, sizes }) {
        const records = Array.from({ length: 10 }, () => record());
        for (const [at, content] of records.entries()) {
          await provider.store(`id-${at}`, content, context);
        }
        const reads = Array.from({ length: sizes.reads }, (_, at) => at % records.length);
        const found = await Promise.all(reads.map((at) => provider.retrieve(`id-${at}`, context)));
        for (const [at, expected] of reads.entries()) {
          assert.deepEqual(found[at]?.record, records[expected]);
        }
      },
    },
    {
      name: 'many writes of different names at once all succeed',
      async run({ provider, context, record, sizes, settled }) {
        const records = new Map(Array.from({ length: sizes.racers }, (_, at) => [`id-${at}`, record()]));
        await Promise.all([...records].map(([id, content]) => provider.store(id, content, context)));
        for (const [id, content] of records) {
          assert.deepEqual((await provider.retrieve(id, context)).record, content);
        }
        await settled(async () =>
          sameMembers(await Array.fromAsync(provider.list({}, context)), records.keys()),
        );
      },
    },
    {
      name: 'readers during overwrites see one write or another, never a mixture and never an absence',
      async run({ provider, context, record, sizes }) {
        const records = Array.from({ length: sizes.racers }, (_, at) => record({ tags: { n: String(at) } }));
        const byWriteId = new Map(records.map((content) => [content.writeId, content]));
        const [first] = records;
        assert.ok(first);
        await provider.store('a', first, context);
        const writing = Promise.all(records.map((content) => provider.store('a', content, context)));
        const reading = Promise.all(records.map(() => provider.retrieve('a', context)));
        const [revisions, found] = await Promise.all([writing, reading]);
        for (const { record: seen } of found) {
          assert.deepEqual(seen, byWriteId.get(seen.writeId));
        }
        const last = await provider.retrieve('a', context);
        assert.equal(
          revisions.indexOf(last.revision),
          records.findIndex(({ writeId }) => writeId === last.record.writeId),
        );
      },
    },
    {
      name: 'a write and a delete of one name leave the one or the other',
      async run({ provider, context, record, sizes }) {
        for (let round = 0; round < Math.min(10, sizes.racers); round += 1) {
          await provider.store('a', record(), context);
          const content = record();
          await Promise.all([provider.store('a', content, context), provider.delete('a', context)]);
          if (await provider.exists('a', context)) {
            assert.deepEqual((await provider.retrieve('a', context)).record, content);
          }
        }
      },
    },
  ],
};

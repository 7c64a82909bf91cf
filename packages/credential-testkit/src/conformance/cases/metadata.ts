import assert from 'node:assert/strict';
import { PORTABLE_LIMITS, type Tags } from '@nebula/credential-core';
import type { CaseGroup } from '../case.ts';
import { refusal } from '../expect.ts';

/** As many and as long as every backend takes them, with every printable character. */
function portableMaximum(): Tags {
  const printable = String.fromCharCode(...Array.from({ length: 95 }, (_, at) => 0x20 + at));
  const punctuation = 'a _.:/=+-@';
  return Object.fromEntries(
    Array.from({ length: PORTABLE_LIMITS.tags }, (_, at) => [
      `${at}${punctuation}`.padEnd(PORTABLE_LIMITS.tagKeyLength, 'K'),
      `${at}${printable}`.padEnd(PORTABLE_LIMITS.tagValueLength, 'v'),
    ]),
  );
}

export const metadata: CaseGroup = {
  group: 'metadata',
  cases: [
    {
      name: 'dates and rotation policy round trip to the millisecond',
      async run({ provider, context, record }) {
        const content = record();
        const meta = {
          ...content.meta,
          createdAt: '2001-02-03T04:05:06.789Z',
          lastModified: '2002-02-03T04:05:06.001Z',
          expiresAt: '9999-12-31T23:59:59.999Z',
          rotationPolicy: { intervalDays: 3_650 },
        };
        await provider.store('a', { ...content, meta }, context);
        const expected = {
          createdAt: new Date(meta.createdAt),
          lastModified: new Date(meta.lastModified),
          expiresAt: new Date(meta.expiresAt),
          rotationPolicy: { intervalDays: 3_650 },
          tags: {},
        };
        assert.deepEqual((await provider.retrieve('a', context)).metadata, expected);
        assert.deepEqual((await provider.head('a', context)).metadata, expected);
      },
    },
    {
      name: 'optional metadata that is overwritten with none is gone',
      async run({ provider, context, record }) {
        const content = record({ tags: { a: 'b' } });
        const meta = {
          ...content.meta,
          expiresAt: '2100-01-01T00:00:00.000Z',
          rotationPolicy: { intervalDays: 1 },
        };
        await provider.store('a', { ...content, meta }, context);
        await provider.store('a', record(), context);
        const { metadata: found } = await provider.head('a', context);
        assert.equal(found.expiresAt, undefined);
        assert.equal(found.rotationPolicy, undefined);
        assert.deepEqual(found.tags, {});
      },
    },
    {
      name: 'createdAt of a credential that brings none is a date that overwriting keeps or renews, never loses',
      async run({ provider, context, record }) {
        for (const _ of [1, 2]) {
          await provider.store('a', record(), context);
          const { createdAt } = (await provider.head('a', context)).metadata;
          assert.ok(createdAt instanceof Date && !Number.isNaN(createdAt.getTime()));
        }
      },
    },
    {
      name: 'the portable maximum of tags is kept and found',
      async run({ provider, context, record, settled }) {
        const tags = portableMaximum();
        await provider.store('a', record({ tags }), context);
        assert.deepEqual((await provider.retrieve('a', context)).metadata.tags, tags);
        assert.deepEqual((await provider.head('a', context)).metadata.tags, tags);
        await settled(async () => {
          const entries = await Array.fromAsync(provider.entries({ tags }, context));
          assert.deepEqual(
            entries.map((entry) => [entry.id, entry.tags]),
            [['a', tags]],
          );
        });
      },
    },
    {
      name: 'tags beyond the portable limits are kept and found',
      async run({ provider, context, record, settled }) {
        const tags = {
          [`k${'K'.repeat(127)}`]: 'é日本🔑'.repeat(80),
          empty: '',
          blank: ' leading and trailing ',
          long: 'x'.repeat(1_024),
        };
        await provider.store('a', record({ tags }), context);
        await provider.store('b', record({ tags: { ...tags, long: `${'x'.repeat(1_023)}y` } }), context);
        assert.deepEqual((await provider.head('a', context)).metadata.tags, tags);
        await settled(async () => {
          assert.deepEqual(await Array.fromAsync(provider.list({ tags }, context)), ['a']);
        });
      },
    },
    {
      name: 'tag names that JavaScript objects have anyway are tags like others',
      async run({ provider, context, record, settled }) {
        const tags = Object.fromEntries([
          ['constructor', 'a'],
          ['toString', 'b'],
        ]);
        await provider.store('a', record({ tags }), context);
        await provider.store('b', record(), context);
        assert.deepEqual((await provider.head('a', context)).metadata.tags, tags);
        await settled(async () => {
          assert.deepEqual(await Array.fromAsync(provider.list({ tags }, context)), ['a']);
        });
      },
    },
    {
      name: 'as many tags as the backend takes are kept, one more is refused with the limit',
      async run({ provider, context, record, capabilities }) {
        const { count } = capabilities.tags;
        const tagged = (number: number): Tags =>
          Object.fromEntries(Array.from({ length: number }, (_, at) => [`tag-${at}`, `value ${at}`]));
        await provider.store('a', record({ tags: tagged(count) }), context);
        assert.deepEqual((await provider.head('a', context)).metadata.tags, tagged(count));
        const error = await refusal(
          provider.store('a', record({ tags: tagged(count + 1) }), context),
          'INVALID_ARGUMENT',
        );
        assert.equal(error.outcome, 'not-applied');
        assert.match(error.message, new RegExp(`\\b${count}\\b`));
        assert.deepEqual((await provider.head('a', context)).metadata.tags, tagged(count));
      },
    },
  ],
};

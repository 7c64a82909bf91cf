import assert from 'node:assert/strict';
import { hashedName, type Target } from '@nebula/credential-core';
import type { CaseContext, CaseGroup } from '../case.ts';
import { refusal, refusalWithoutCall, sameMembers } from '../expect.ts';

/** No backend may ever see these. */
const invalid: readonly string[] = [
  '',
  '.',
  '..',
  '../escape',
  'a/../b',
  'a/./b',
  'a/..',
  '/absolute',
  'trailing/',
  'a//b',
  'a\\b',
  '..\\escape',
  'a\u0000b',
  'a\nb',
  'a b',
  'a%2e%2e%2fb',
  'a?b',
  'a#b',
  'a:b',
  'a*',
  'C:\\a',
  '@scope/a',
  '~a',
  '$(a)',
  'naïve',
  'nai\u0308ve',
  'аpi', // Cyrillic a
  'ａｐｉ', // full width
  'a\u200bb',
  'a\u202eb',
  'a\ud800b',
  '🔑',
  'x'.repeat(129),
];

/** Valid, and each another name, however much a disk or a server may think them alike. */
const alike: readonly string[] = [
  ...['api-key', 'Api-Key', 'API-KEY', 'api_key', 'api.key', 'api/key', 'api--key', 'apikey'],
  ...['CON', 'con', 'nul.txt', 'AUX/prn', 'COM1', 'lpt9.tar.gz'],
  ...[
    'a',
    'A',
    'a.',
    'a..',
    'a.b',
    'a/b',
    'a/b/c',
    '-a',
    'a-',
    '.a',
    '_a',
    '...',
    'a.json',
    'a.json.tmp',
    'a.lock',
  ],
  ...['0', '00', '1e3', '1000', 'true', 'null', 'undefined', 'constructor', '__proto__', 'toString'],
  ...['data', 'metadata', 'index', 'versions', 'sys/health', 'default', 'secret'],
  ...['x'.repeat(128), 'X'.repeat(128), `${'x'.repeat(127)}y`, `${'x/'.repeat(63)}xy`, `x${'-'.repeat(127)}`],
];

export const identifiers: CaseGroup = {
  group: 'identifiers',
  cases: [
    {
      name: 'an id that is none is refused before any call',
      async run({ provider, context, record }) {
        for (const id of invalid) {
          const operations = [
            () => provider.store(id, record(), context),
            () => provider.retrieve(id, context),
            () => provider.head(id, context),
            () => provider.exists(id, context),
            () => provider.delete(id, context),
          ];
          for (const operation of operations) {
            await refusalWithoutCall(provider, operation, 'INVALID_ARGUMENT');
          }
        }
      },
    },
    {
      name: 'a scope that is none is refused before any call',
      async run({ provider, record }) {
        for (const scope of ['', 'A', '-a', 'a-', 'a/b', '..', 'a.b', 'a b', '@a', 'ä', 'a'.repeat(64)]) {
          const operations = [
            () => provider.store('a', record(), { scope }),
            () => provider.retrieve('a', { scope }),
            () => provider.delete('a', { scope }),
            () => Array.fromAsync(provider.list({}, { scope })),
          ];
          for (const operation of operations) {
            await refusalWithoutCall(provider, operation, 'INVALID_ARGUMENT');
          }
        }
      },
    },
    {
      name: 'ids that look alike are held apart',
      run: (t) => heldApart(t, alike),
    },
    {
      name: 'ids that look like hashed names of others are held apart',
      async run(t) {
        const { scope } = t.context;
        const hashed = ['Api-Key', 'x'.repeat(128), 'a/B'].flatMap((id) => {
          const target = { id, scope } as Target;
          return [
            id,
            hashedName(target, 127),
            hashedName(target, 63),
            hashedName({ ...target, scope: undefined }, 127),
          ];
        });
        await heldApart(t, [...new Set(hashed)]);
      },
    },
    {
      name: "ids that begin like this library's own objects are refused or held apart",
      async run({ provider, context, record, settled }) {
        const accepted: string[] = [];
        for (const id of ['.nebula-keys', '.nebula-', '.nebula-index/a', 'a/.nebula-keys', 'nebula-keys']) {
          const content = record();
          const error = await provider.store(id, content, context).then(
            () => undefined,
            (reason: unknown) => reason,
          );
          if (error === undefined) {
            accepted.push(id);
            assert.deepEqual((await provider.retrieve(id, context)).record, content);
          } else {
            await refusal(Promise.reject(error), 'INVALID_ARGUMENT');
          }
        }
        await settled(async () => sameMembers(await Array.fromAsync(provider.list({}, context)), accepted));
      },
    },
    {
      name: 'the longest id and scope are kept whole',
      async run({ provider, otherContext, context, record, settled }) {
        const long = otherContext(`${context.scope}`.padEnd(63, 'x'));
        const id = `${'Long/'.repeat(25)}end`;
        const content = record();
        await provider.store(id, content, long);
        assert.deepEqual((await provider.retrieve(id, long)).record, content);
        await settled(async () => assert.deepEqual(await Array.fromAsync(provider.list({}, long)), [id]));
      },
    },
  ],
};

/** Stores all, reads all back, lists all, and deletes one by one without a loss among the rest. */
async function heldApart(
  { provider, context, record, settled }: CaseContext,
  ids: readonly string[],
): Promise<void> {
  const records = new Map(ids.map((id) => [id, record()]));
  for (const [id, content] of records) {
    assert.equal(await provider.exists(id, context), false, `${id} is not there before it is stored`);
    await provider.store(id, content, context);
  }
  for (const [id, content] of records) {
    assert.deepEqual((await provider.retrieve(id, context)).record, content, id);
  }
  await settled(async () => sameMembers(await Array.fromAsync(provider.list({}, context)), ids));
  for (const id of ids) {
    await provider.delete(id, context);
    records.delete(id);
    await refusal(provider.head(id, context), 'NOT_FOUND');
    const [next] = records.keys();
    assert.equal(
      next === undefined || (await provider.exists(next, context)),
      true,
      `${next} outlives ${id}`,
    );
  }
}

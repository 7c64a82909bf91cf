import { describe, expect, it } from '@jest/globals';
import { createProvider, Secret, type StorageProvider } from '../../src/index.ts';
import { collect, MapDriver, record } from '../support.ts';
import { VersionedDriver } from '../versioned-driver.ts';

import { type Call, canary, failing, type Row, table, wrong } from './table.ts';

describe('arguments of a provider', () => {
  const provider: StorageProvider = createProvider(new VersionedDriver());
  const p = provider as Required<StorageProvider>;
  const r = record();
  const ids: Row[] = [
    ['no id', () => p.retrieve(wrong(undefined)), 'id', 'must be a string, got undefined'],
    ['an id null', () => p.head(wrong(null)), 'id', 'must be a string, got null'],
    [
      'an id that is an object',
      () => p.exists(wrong({ id: canary })),
      'id',
      'must be a string, got an object (Object)',
    ],
    ['an id that is a symbol', () => p.delete(wrong(Symbol(canary))), 'id', 'must be a string, got a symbol'],
    ['an id that is a Secret', () => p.retrieve(wrong(Secret.from(canary))), 'id', 'got an object (Secret)'],
    ['an empty id', () => p.retrieve(''), 'id', 'must have 1 to 128 characters, has 0'],
    ['a long id', () => p.store('x'.repeat(129), r), 'id', 'must have 1 to 128 characters, has 129'],
    ['a secret as id', () => p.store(canary, r), 'id', 'A-Z a-z 0-9 - _ . / only; character 8 is not'],
    ['a leading slash', () => p.store('/a', r), 'id', 'must not begin or end with a slash'],
    ['a trailing slash', () => p.store('a/', r), 'id', 'must not begin or end with a slash'],
    ['two slashes', () => p.store('a//b', r), 'id', 'empty, "." or ".." segment'],
    ['traversal', () => p.store('a/../b', r), 'id', 'empty, "." or ".." segment'],
    ['an id of versions', () => collect(p.versions.list(canary)), 'id', 'character 8 is not'],
    ['an id to restore a version of', () => p.versions.restore(canary, '1'), 'id', 'character 8 is not'],
    ['an id to restore', () => p.deleted.restore(canary), 'id', 'character 8 is not'],
    ['an id to purge', () => p.deleted.purge(canary), 'id', 'character 8 is not'],
  ];
  const context =
    (value: unknown): Call =>
    () =>
      p.head('a', wrong(value));
  const contexts: Row[] = [
    ['a context that is a scope', context(canary), '', 'must be an object, got a string of 15 characters'],
    ['a context null', context(null), '', 'must be an object, got null'],
    ['a context that is an array', context([]), '', 'must be an object, got an array of 0'],
    ['a misspelt context', context({ tenant: 'a' }), 'tenant', 'valid are scope, ownerId, traceId'],
    ['an empty scope', context({ scope: '' }), 'scope', 'must be 1 to 63 characters of a-z 0-9 -'],
    ['a scope null', context({ scope: null }), 'scope', 'must be a string, got null'],
    ['a scope in capitals', context({ scope: 'Team' }), 'scope', 'must be 1 to 63 characters of a-z 0-9 -'],
    ['a long scope', context({ scope: 'x'.repeat(64) }), 'scope', 'got a string of 64 characters'],
    ['a scope with a hyphen at its end', context({ scope: 'a-' }), 'scope', 'no hyphen at either end'],
    ['a scope that is a number', context({ scope: 7 }), 'scope', 'must be a string, got 7'],
    ['an owner with a line end', context({ ownerId: `${canary}\n` }), 'ownerId', '1 to 256 printable ASCII'],
    [
      'a trace that is too long',
      context({ traceId: 'x'.repeat(257) }),
      'traceId',
      '1 to 256 printable ASCII',
    ],
    ['a context to list in', () => collect(p.list({}, wrong(null))), '', 'must be an object, got null'],
    ['a context to watch in', () => collect(p.watch({}, wrong({ scope: 'A' }))), 'scope', 'a-z 0-9 -'],
    ['a context of the deleted', () => collect(p.deleted.list(wrong({ scope: 'A' }))), 'scope', 'a-z 0-9 -'],
  ];
  const calls: Record<string, (options: unknown) => unknown> = {
    connect: (options) => p.connect(wrong(options)),
    check: (options) => p.check(wrong(options)),
    store: (options) => p.store('a', r, {}, wrong(options)),
    retrieve: (options) => p.retrieve('a', {}, wrong(options)),
    head: (options) => p.head('a', {}, wrong(options)),
    exists: (options) => p.exists('a', {}, wrong(options)),
    delete: (options) => p.delete('a', {}, wrong(options)),
    list: (options) => collect(p.list({}, {}, wrong(options))),
    entries: (options) => collect(p.entries({}, {}, wrong(options))),
    scopes: (options) => collect(p.scopes(wrong(options))),
    'versions.list': (options) => collect(p.versions.list('a', {}, wrong(options))),
    'versions.restore': (options) => p.versions.restore('a', '1', {}, wrong(options)),
    'deleted.list': (options) => collect(p.deleted.list({}, wrong(options))),
    'deleted.restore': (options) => p.deleted.restore('a', {}, wrong(options)),
    'deleted.purge': (options) => p.deleted.purge('a', {}, wrong(options)),
  };
  const ofEveryCall = Object.entries(calls).flatMap(([name, call]): Row[] => [
    [`${name}: options null`, () => call(null), '', 'must be an object, got null'],
    [`${name}: options that are a text`, () => call(canary), '', 'must be an object, got a string'],
    [`${name}: a misspelt option`, () => call({ timeuot: 5 }), 'timeuot', 'did you mean "timeout"?'],
    [`${name}: no time at all`, () => call({ timeout: 0 }), 'timeout', 'must be an integer from 1 to 60000'],
    [
      `${name}: too much time`,
      () => call({ timeout: 60_001 }),
      'timeout',
      'must be an integer from 1 to 60000',
    ],
    [
      `${name}: a controller as signal`,
      () => call({ signal: new AbortController() }),
      'signal',
      'must be an AbortSignal',
    ],
    [`${name}: a signal null`, () => call({ signal: null }), 'signal', 'must be an AbortSignal, got null'],
  ]);
  const ofOne: Row[] = [
    ['ifAbsent in words', () => calls['store']?.({ ifAbsent: 'yes' }), 'ifAbsent', 'must be true or false'],
    ['adopt null', () => calls['store']?.({ adopt: null }), 'adopt', 'must be true or false, got null'],
    [
      'a revision null',
      () => calls['store']?.({ ifRevision: null }),
      'ifRevision',
      'a revision that this provider gave',
    ],
    [
      'an empty revision',
      () => calls['delete']?.({ ifRevision: '' }),
      'ifRevision',
      'a revision that this provider gave',
    ],
    [
      'both conditions',
      () => calls['store']?.({ ifAbsent: true, ifRevision: 'r' }),
      '',
      'either ifAbsent or ifRevision',
    ],
    [
      'a condition of store at delete',
      () => calls['delete']?.({ ifAbsent: true }),
      'ifAbsent',
      'unknown option',
    ],
    [
      'a version that is a number',
      () => calls['retrieve']?.({ version: 1 }),
      'version',
      'as versions.list() names it',
    ],
    [
      'an empty native name',
      () => calls['retrieve']?.({ nativeName: '' }),
      'nativeName',
      "a name of the backend's own",
    ],
    [
      'a version to restore that is a number',
      () => p.versions.restore('a', wrong(1)),
      '',
      'as versions.list() names it',
    ],
    [
      'a version to restore that is empty',
      () => p.versions.restore('a', ''),
      '',
      'as versions.list() names it',
    ],
    [
      'watch: an unknown option',
      () => collect(p.watch({}, {}, wrong({ from: 1 }))),
      'from',
      'valid are signal, cursor',
    ],
    ['watch: options null', () => collect(p.watch({}, {}, wrong(null))), '', 'must be an object, got null'],
    [
      'watch: a cursor that is a number',
      () => collect(p.watch({}, {}, wrong({ cursor: 1 }))),
      'cursor',
      'a cursor that a change carried',
    ],
  ];
  const filter =
    (value: unknown): Call =>
    () =>
      collect(p.list(wrong(value)));
  const date = 'must be a valid Date between the years 1 and 9999';
  const filters: Row[] = [
    ['a filter null', filter(null), '', 'must be an object, got null'],
    ['a filter that is a Map', filter(new Map([['tags', 1]])), '', 'must be an object, got an object (Map)'],
    ['a filter that is a Date', filter(new Date()), '', 'must be an object, got a Date'],
    ['a misspelt filter', filter({ tag: { a: 'b' } }), 'tag', 'did you mean "tags"?'],
    ['a date as text', filter({ modifiedAfter: '2026-01-01' }), 'modifiedAfter', date],
    ['a date as number', filter({ modifiedBefore: 1 }), 'modifiedBefore', date],
    ['an invalid date', filter({ modifiedAfter: new Date('never') }), 'modifiedAfter', 'got an invalid Date'],
    ['a date after year 9999', filter({ modifiedAfter: new Date('+010000-01-01') }), 'modifiedAfter', date],
    ['a date null', filter({ modifiedAfter: null }), 'modifiedAfter', date],
    ['tags null', filter({ tags: null }), 'tags', 'must be an object of strings, got null'],
    ['tags in an array', filter({ tags: ['team'] }), 'tags', 'must be an object of strings'],
    ['tags in a Map', filter({ tags: new Map([['team', 'a']]) }), 'tags', 'must be an object of strings'],
    ['a tag that is a number', filter({ tags: { team: 1 } }), 'tags.team', 'at most 1024 bytes of UTF-8'],
    ['entries: a filter null', () => collect(p.entries(wrong(null))), '', 'must be an object, got null'],
    ['watch: a filter null', () => collect(p.watch(wrong(null))), '', 'must be an object, got null'],
  ];
  table('INVALID_ARGUMENT', [...ids, ...contexts, ...ofEveryCall, ...ofOne, ...filters]);

  it('say of which operation, and that nothing was written', async () => {
    for (const [operation, call] of Object.entries(calls)) {
      const error = await failing(() => call({ timeout: 0 }));
      const writes = /store|delete$|restore|purge/.test(operation);
      expect(error).toMatchObject({ provider: 'versioned', operation });
      expect(error.outcome).toBe(writes ? 'not-applied' : undefined);
    }
  });

  it('cost no request', async () => {
    const driver = new MapDriver();
    const other = createProvider(driver);
    await failing(() => other.store('a', record(), {}, wrong({ timeout: 0 })));
    await failing(() => collect(other.list(wrong(null))));
    expect([driver.requests, other.state]).toEqual([[], 'configured']);
  });
});

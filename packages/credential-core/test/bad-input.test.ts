/**
 * Everything that a caller can get wrong: which code, where, and what would be valid. `canary` stands where a secret
 * may have slipped in by mistake: no error shows it.
 */
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import {
  CredentialManager,
  createPassphraseDescriptor,
  createProvider,
  EncryptionKey,
  EncryptionManager,
  openProvider,
  Secret,
  type StorageProvider,
  ValidationError,
  type ValidationErrorCode,
} from '../src/index.ts';
import { collect, MapDriver, record, rejection } from './support.ts';
import { VersionedDriver } from './versioned-driver.ts';

const canary = 'hunter2 CANARY!';
const encryption = new EncryptionManager({ primary: EncryptionKey.generate() });
const descriptor = { kid: 'A'.repeat(43), salt: 'A'.repeat(22), m: 65_536, t: 3, p: 1 };

/** What the call is made with, wrong on purpose: typed as whatever is asked for. */
const wrong = (value: unknown): never => value as never;

/** Each call in a promise, so that what throws at once and what rejects look the same. */
type Call = () => unknown;
/** What is wrong; the call; path of an issue; a part of its message that says what would be valid. */
type Row = readonly [what: string, call: Call, path: string, valid: string];

async function failing(call: Call): Promise<ValidationError> {
  return rejection(Promise.resolve().then(call));
}

function expectRefused(error: ValidationError, code: ValidationErrorCode, path: string, valid: string): void {
  expect(error).toBeInstanceOf(ValidationError);
  expect(error.code).toBe(code);
  expect(error.issues).toContainEqual({ path, message: expect.stringContaining(valid) });
  expect(error.message).toContain(valid);
  expect(error.message.startsWith(`${code}: `)).toBe(true);
  const shown = [inspect(error, { depth: 9 }), JSON.stringify(error), error.message, error.stack].join('\n');
  expect(shown).not.toContain('hunter2');
}

function table(code: ValidationErrorCode, rows: readonly Row[]): void {
  it.each(rows)('%s', async (_what, call, path, valid) => {
    expectRefused(await failing(call), code, path, valid);
  });
}

describe('options of a provider', () => {
  const make = (options: unknown) => () => createProvider(new MapDriver(), wrong(options));
  const integer = (min: number, max: number) => `must be an integer from ${min} to ${max}`;
  table('INVALID_CONFIG', [
    ['a text', make(canary), '', 'must be an object, got a string of 15 characters'],
    ['null', make(null), '', 'must be an object, got null'],
    ['an array', make([canary]), '', 'must be an object, got an array of 1'],
    ['a Map', make(new Map([['retry', {}]])), '', 'must be an object, got an object (Map)'],
    ['a function', make(() => canary), '', 'must be an object, got a function'],
    ['a misspelt option', make({ timeout: {} }), 'timeout', 'did you mean "timeouts"?'],
    [
      'an unknown option',
      make({ cache: true }),
      'cache',
      'valid are timeouts, attemptTimeouts, retry, maxConcurrency',
    ],
    ['a name of Object.prototype', make({ constructor: 1 }), 'constructor', 'unknown option'],
    ['__proto__', make(JSON.parse('{"__proto__":{"retry":{}}}')), '__proto__', 'unknown option'],
    ['timeouts null', make({ timeouts: null }), 'timeouts', 'must be an object, got null'],
    ['timeouts a number', make({ timeouts: 5_000 }), 'timeouts', 'must be an object, got 5000'],
    ['a misspelt timeout', make({ timeouts: { raed: 5_000 } }), 'timeouts.raed', 'did you mean "read"?'],
    ['a timeout below 1 s', make({ timeouts: { read: 999 } }), 'timeouts.read', integer(1_000, 60_000)],
    ['a timeout above 60 s', make({ timeouts: { write: 60_001 } }), 'timeouts.write', integer(1_000, 60_000)],
    [
      'a timeout in words',
      make({ timeouts: { read: '5s' } }),
      'timeouts.read',
      'got a string of 2 characters',
    ],
    [
      'a timeout that is NaN',
      make({ timeouts: { read: Number.NaN } }),
      'timeouts.read',
      integer(1_000, 60_000),
    ],
    ['half a millisecond', make({ timeouts: { read: 1_000.5 } }), 'timeouts.read', 'got 1000.5'],
    ['a timeout null', make({ timeouts: { read: null } }), 'timeouts.read', 'got null'],
    [
      'an attempt below 1 s',
      make({ attemptTimeouts: { read: 0 } }),
      'attemptTimeouts.read',
      integer(1_000, 60_000),
    ],
    ['retry null', make({ retry: null }), 'retry', 'must be an object, got null'],
    ['retry a number', make({ retry: 3 }), 'retry', 'must be an object, got 3'],
    ['a misspelt policy', make({ retry: { maxRetry: 3 } }), 'retry.maxRetry', 'did you mean "maxRetries"?'],
    ['too many retries', make({ retry: { maxRetries: 21 } }), 'retry.maxRetries', integer(0, 20)],
    ['negative retries', make({ retry: { maxRetries: -1 } }), 'retry.maxRetries', integer(0, 20)],
    ['endless retries', make({ retry: { maxRetries: Infinity } }), 'retry.maxRetries', 'got Infinity'],
    ['a negative delay', make({ retry: { baseDelay: -1 } }), 'retry.baseDelay', integer(0, 60_000)],
    ['too long a delay', make({ retry: { maxDelay: 60_001 } }), 'retry.maxDelay', integer(0, 60_000)],
    [
      'a shrinking delay',
      make({ retry: { multiplier: 0.5 } }),
      'retry.multiplier',
      'must be a number from 1 to 10',
    ],
    [
      'a multiplier that is NaN',
      make({ retry: { multiplier: Number.NaN } }),
      'retry.multiplier',
      'from 1 to 10',
    ],
    ['another jitter', make({ retry: { jitter: canary } }), 'retry.jitter', "must be 'full' or 'none'"],
    ['no concurrency', make({ maxConcurrency: 0 }), 'maxConcurrency', integer(1, 10_000)],
    ['too much concurrency', make({ maxConcurrency: 10_001 }), 'maxConcurrency', integer(1, 10_000)],
  ]);

  it('are reported all at once', async () => {
    const error = await failing(
      make({
        timeouts: { read: 1, raed: 2 },
        retry: { jitter: 1, maxRetries: -1 },
        maxConcurency: 1,
        cache: 2,
      }),
    );
    expect(error.issues.map(({ path }) => path)).toEqual([
      'timeouts.read',
      'timeouts.raed',
      'retry.maxRetries',
      'retry.jitter',
      'maxConcurency',
      'cache',
    ]);
    expect(error.message).toMatch(/^INVALID_CONFIG: map provider options: timeouts\.read: must be/);
    for (const { path, message } of error.issues) {
      expect(error.message).toContain(`${path}: ${message}`);
    }
  });
});

describe('options of a CredentialManager', () => {
  const provider = createProvider(new VersionedDriver());
  const make = (options: unknown) => () => new CredentialManager(wrong(options));
  const withOptions = (options: object) => make({ provider, encryption, ...options });
  table('INVALID_CONFIG', [
    ['nothing', make(undefined), '', 'must be an object, got undefined'],
    ['null', make(null), '', 'must be an object, got null'],
    ['no provider', make({ encryption }), 'provider', 'is required'],
    ['no encryption', make({ provider }), 'encryption', 'is required'],
    [
      'a provider that is a URL',
      make({ provider: canary, encryption }),
      'provider',
      'must be a StorageProvider',
    ],
    ['a provider that is none', make({ provider: {}, encryption }), 'provider', 'must be a StorageProvider'],
    [
      'a key as encryption',
      make({ provider, encryption: canary }),
      'encryption',
      "EncryptionManager or 'provider'",
    ],
    [
      'an EncryptionKey as encryption',
      make({ provider, encryption: EncryptionKey.generate() }),
      'encryption',
      'got an object (EncryptionKey)',
    ],
    ['encryption null', make({ provider, encryption: null }), 'encryption', 'got null'],
    ['a misspelt option', withOptions({ onExpire: 'throw' }), 'onExpire', 'did you mean "onExpired"?'],
    ['another onExpired', withOptions({ onExpired: canary }), 'onExpired', "must be 'return' or 'throw'"],
    ['other limits', withOptions({ limits: canary }), 'limits', "must be 'backend' or 'portable'"],
    ['a context that is a scope', withOptions({ context: canary }), 'context', 'must be an object'],
    ['a context null', withOptions({ context: null }), 'context', 'must be an object, got null'],
    [
      'a bad scope',
      withOptions({ context: { scope: canary } }),
      'context.scope',
      '1 to 63 characters of a-z 0-9 -',
    ],
    [
      'a misspelt context',
      withOptions({ context: { scpoe: 'a' } }),
      'context.scpoe',
      'did you mean "scope"?',
    ],
    [
      'alsoRead of the same mode',
      withOptions({ alsoRead: encryption }),
      'alsoRead',
      "must be 'plain' beside keys",
    ],
    [
      'alsoRead plain beside plain',
      make({ provider, encryption: 'provider', alsoRead: 'plain' }),
      'alsoRead',
      "or an EncryptionManager beside encryption: 'provider'",
    ],
    [
      'another alsoRead',
      withOptions({ alsoRead: canary }),
      'alsoRead',
      "must be 'plain' or an EncryptionManager",
    ],
  ]);

  it('are reported all at once', async () => {
    const error = await failing(make({ provider: 1, context: { scope: 'A', ownerId: '' }, limit: 'x' }));
    expect(error.issues.map(({ path }) => path)).toEqual([
      'provider',
      'encryption',
      'context.scope',
      'context.ownerId',
      'limit',
    ]);
  });

  it("refuse 'provider' where the backend does not encrypt by itself", async () => {
    const plainless = createProvider(new MapDriver());
    const error = await failing(() => new CredentialManager({ provider: plainless, encryption: 'provider' }));
    expect(error).toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('is not offered by the map provider'),
      remedy: 'Configure an EncryptionManager with a key.',
    });
  });
});

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

describe('arguments of a CredentialManager', () => {
  const manager = new CredentialManager({ provider: createProvider(new VersionedDriver()), encryption });
  const store =
    (options: unknown): Call =>
    () =>
      manager.store('a', canary, wrong(options));
  const date = 'must be a valid Date between the years 1 and 9999';
  const calls: Record<string, (options: unknown) => unknown> = {
    store: (options) => manager.store('a', canary, wrong(options)),
    retrieve: (options) => manager.retrieve('a', wrong(options)),
    head: (options) => manager.head('a', wrong(options)),
    exists: (options) => manager.exists('a', wrong(options)),
    delete: (options) => manager.delete('a', wrong(options)),
    list: (options) => collect(manager.list({}, wrong(options))),
    entries: (options) => collect(manager.entries({}, wrong(options))),
    'versions.list': (options) => collect(manager.versions.list('a', wrong(options))),
    'versions.restore': (options) => manager.versions.restore('a', '1', wrong(options)),
    'deleted.list': (options) => collect(manager.deleted.list(wrong(options))),
    'deleted.restore': (options) => manager.deleted.restore('a', wrong(options)),
    'deleted.purge': (options) => manager.deleted.purge('a', wrong(options)),
  };
  const ofEveryCall = Object.entries(calls).flatMap(([name, call]): Row[] => [
    [`${name}: options null`, () => call(null), '', 'must be an object, got null'],
    [`${name}: options that are a text`, () => call(canary), '', 'must be an object, got a string of 15'],
    [`${name}: a misspelt option`, () => call({ contxt: {} }), 'contxt', 'did you mean "context"?'],
    [`${name}: a context null`, () => call({ context: null }), 'context', 'must be an object, got null'],
    [`${name}: a bad scope`, () => call({ context: { scope: canary } }), 'context.scope', 'a-z 0-9 -'],
    [`${name}: too much time`, () => call({ timeout: 60_001 }), 'timeout', 'from 1 to 60000'],
  ]);
  const tags = (value: unknown): Call => store({ tags: value });
  const rule = 'a key must be 1 to 128 of ASCII letters, digits, space and _ . : / = + - @';
  const ofStore: Row[] = [
    ['arguments swapped', () => manager.store(canary, 'github-token'), 'id', 'character 8 is not'],
    ['a secret that is a number', () => manager.store('a', wrong(5)), 'secret', 'a string or a Uint8Array'],
    ['no secret', () => manager.store('a', wrong(undefined)), 'secret', 'a string or a Uint8Array'],
    [
      'a secret in an object',
      () => manager.store('a', wrong({ canary })),
      'secret',
      'a string or a Uint8Array',
    ],
    ['a secret with a lone surrogate', () => manager.store('a', `${canary}\ud800`), 'secret', 'well-formed'],
    ['createdAt as text', store({ createdAt: '2026-01-01' }), 'createdAt', date],
    ['expiresAt as number', store({ expiresAt: Date.now() }), 'expiresAt', date],
    ['expiresAt null', store({ expiresAt: null }), 'expiresAt', date],
    ['an invalid date', store({ expiresAt: new Date(Number.NaN) }), 'expiresAt', 'got an invalid Date'],
    ['a year before 1', store({ createdAt: new Date('0000-12-31') }), 'createdAt', date],
    ['lastModified', store({ lastModified: new Date() }), 'lastModified', 'unknown option'],
    ['a misspelt date', store({ expireAt: new Date() }), 'expireAt', 'did you mean "expiresAt"?'],
    [
      'a policy that is a number',
      store({ rotationPolicy: 30 }),
      'rotationPolicy',
      'must be an object, got 30',
    ],
    [
      'a policy of 0 days',
      store({ rotationPolicy: { intervalDays: 0 } }),
      'rotationPolicy.intervalDays',
      'from 1 to 3650',
    ],
    [
      'a policy of half a day',
      store({ rotationPolicy: { intervalDays: 0.5 } }),
      'rotationPolicy.intervalDays',
      'an integer',
    ],
    ['a policy without days', store({ rotationPolicy: {} }), 'rotationPolicy.intervalDays', 'is required'],
    [
      'a misspelt policy',
      store({ rotationPolicy: { intervalDay: 1 } }),
      'rotationPolicy.intervalDay',
      'did you mean "intervalDays"?',
    ],
    ['tags null', tags(null), 'tags', 'must be an object of strings, got null'],
    ['tags in an array', tags(['a']), 'tags', 'must be an object of strings, got an array of 1'],
    [
      'tags in a Map',
      tags(new Map([['a', canary]])),
      'tags',
      'must be an object of strings, got an object (Map)',
    ],
    [
      '51 tags',
      tags(Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`k${n}`, '']))),
      'tags',
      'must be at most 50 tags, got 51',
    ],
    ['an empty key', tags({ '': 'x' }), 'tags', rule],
    ['a long key', tags({ ['k'.repeat(129)]: 'x' }), 'tags', rule],
    ['a key that begins with a space', tags({ ' a': 'x' }), 'tags', rule],
    ['a key with a line end', tags({ 'a\n': 'x' }), 'tags', rule],
    ['a key with an umlaut', tags({ ä: 'x' }), 'tags', rule],
    ['__proto__ as key', tags(JSON.parse('{"__proto__":"x"}')), 'tags', rule],
    ['a key of AWS', tags({ 'aws:team': 'x' }), 'tags.aws:team', 'aws: or nebula-credential are reserved'],
    ['a key of AWS in capitals', tags({ 'AWS:team': 'x' }), 'tags.AWS:team', 'are reserved'],
    ['a key of ours', tags({ 'nebula-credential/id': 'x' }), 'tags.nebula-credential/id', 'are reserved'],
    ['a value that is a number', tags({ team: 7 }), 'tags.team', 'at most 1024 bytes of UTF-8'],
    ['a value null', tags({ team: null }), 'tags.team', 'got null'],
    ['a long value', tags({ team: 'ä'.repeat(513) }), 'tags.team', 'at most 1024 bytes of UTF-8'],
    [
      'a value with a control character',
      tags({ team: `${canary}\u0007` }),
      'tags.team',
      'without control characters',
    ],
    ['a value with a lone surrogate', tags({ team: '\udfff' }), 'tags.team', 'at most 1024 bytes of UTF-8'],
  ];
  const ofRetrieve: Row[] = [
    ['a secret as id to retrieve', () => manager.retrieve(canary), 'id', 'character 8 is not'],
    [
      'another onExpired',
      () => manager.retrieve('a', { onExpired: wrong(canary) }),
      'onExpired',
      "'return' or 'throw'",
    ],
    [
      'minLastModified as text',
      () => manager.retrieve('a', { minLastModified: wrong('2026') }),
      'minLastModified',
      date,
    ],
  ];
  const rotate =
    (options: unknown): Call =>
    () =>
      manager.rotateKeys(wrong(options));
  const ofRotation: Row[] = [
    ['rotation: options null', rotate(null), '', 'must be an object, got null'],
    ['rotation: a misspelt option', rotate({ concurency: 1 }), 'concurency', 'did you mean "concurrency"?'],
    ['rotation: no concurrency', rotate({ concurrency: 0 }), 'concurrency', 'an integer from 1 to 64'],
    ['rotation: alone in words', rotate({ alone: 'yes' }), 'alone', 'must be true or false'],
    [
      'rotation: a progress that is no function',
      rotate({ onProgress: {} }),
      'onProgress',
      'must be a function',
    ],
    ['rotation: a bad scope', rotate({ context: { scope: 'A' } }), 'context.scope', 'a-z 0-9 -'],
    [
      'rotation: a controller as signal',
      rotate({ signal: new AbortController() }),
      'signal',
      'must be an AbortSignal',
    ],
  ];
  table('INVALID_ARGUMENT', [...ofEveryCall, ...ofStore, ...ofRetrieve, ...ofRotation]);

  it('are reported all at once', async () => {
    const options = {
      tags: { team: 1, 'aws:x': 'y', '': 'z' },
      expiresAt: 'x',
      context: { scope: 'A' },
      ifabsent: 1,
    };
    const error = await failing(store(options));
    expect(error.issues.map(({ path }) => path).sort()).toEqual([
      'context.scope',
      'expiresAt',
      'ifabsent',
      'tags',
      'tags.aws:x',
      'tags.team',
    ]);
    expect(error).toMatchObject({ operation: 'store', provider: 'versioned', outcome: 'not-applied' });
  });

  it('say of which operation, and that nothing was written', async () => {
    for (const [operation, call] of Object.entries(calls)) {
      const error = await failing(() => call({ timeout: 0 }));
      expect(error).toMatchObject({ provider: 'versioned', operation });
      const writes = /store|delete$|restore|purge/.test(operation);
      expect(error.outcome).toBe(writes ? 'not-applied' : undefined);
    }
  });
});

describe('encryption options and keys', () => {
  const key = EncryptionKey.generate();
  const make = (options: unknown) => () => new EncryptionManager(wrong(options));
  table('INVALID_CONFIG', [
    ['nothing', make(undefined), '', 'must be an object, got undefined'],
    ['no primary', make({}), 'primary', 'is required'],
    ['a primary that is a text', make({ primary: canary }), 'primary', 'must be an EncryptionKey'],
    ['a misspelt option', make({ primary: key, retierd: [] }), 'retierd', 'did you mean "retired"?'],
    ['retired that is a key', make({ primary: key, retired: key }), 'retired', 'must be an array'],
    [
      'a retired that is a text',
      make({ primary: key, retired: [canary] }),
      'retired[0]',
      'must be an EncryptionKey',
    ],
    ['a key twice', make({ primary: key, retired: [key] }), '', 'keys given more than once'],
    [
      'a key file that is not there',
      () => EncryptionKey.fromFile('/nowhere/key'),
      '',
      'there is no key file',
    ],
    ['an unset variable', () => EncryptionKey.fromEnvironment('NEBULA_TEST_UNSET'), '', 'is not set'],
    [
      'a descriptor null',
      () => EncryptionKey.fromPassphrase(canary, wrong(null)),
      '',
      'must be an object, got null',
    ],
    [
      'a descriptor without salt',
      () => EncryptionKey.fromPassphrase(canary, wrong({ ...descriptor, salt: undefined })),
      'salt',
      'base64url of 16 bytes',
    ],
    [
      'a descriptor of little memory',
      () => EncryptionKey.fromPassphrase(canary, { ...descriptor, m: 1 }),
      'm',
      'from 19456 to 1048576 (KiB of memory)',
    ],
  ]);
  table('INVALID_ARGUMENT', [
    [
      'a key of 31 bytes',
      () => EncryptionKey.fromBytes(new Uint8Array(31)),
      'key',
      'must be exactly 32 bytes, got 31 bytes',
    ],
    [
      'a key of 33 bytes',
      () => EncryptionKey.fromBytes(new Uint8Array(33)),
      'key',
      'must be exactly 32 bytes, got 33 bytes',
    ],
    ['a key as text', () => EncryptionKey.fromBytes(wrong(canary)), 'key', 'must be exactly 32 bytes'],
    [
      'a key in base64 that is too short',
      () => EncryptionKey.fromBase64('AAAA'),
      'key',
      'base64 of exactly 32 bytes',
    ],
    [
      'a key in base64 that is none',
      () => EncryptionKey.fromBase64(canary),
      'key',
      'base64 of exactly 32 bytes',
    ],
    [
      'a key as name of a variable',
      () => EncryptionKey.fromEnvironment(canary),
      'name',
      'the name of an environment variable',
    ],
    [
      'a short passphrase',
      () => createPassphraseDescriptor('hunter2'),
      'passphrase',
      'at least 8 characters, got 7',
    ],
    [
      'a misspelt cost',
      () => createPassphraseDescriptor(canary, wrong({ memory: 1 })),
      'memory',
      'valid are m, t, p',
    ],
    [
      'a cost that is too small',
      () => createPassphraseDescriptor(canary, { t: 1 }),
      't',
      'from 2 to 10 (passes)',
    ],
  ]);
});

describe('provider URLs', () => {
  const open =
    (url: unknown, options?: unknown): Call =>
    () =>
      openProvider(wrong(url), wrong(options));
  const drivers = { map: async () => ({ providerFromUrl: () => createProvider(new MapDriver()) }) };
  const example = 'local:///var/lib/app/credentials';
  const encoding = 'a % that does not begin a character encoded in UTF-8';
  table('INVALID_CONFIG', [
    ['nothing', open(undefined), '', `must be like ${example}, got undefined`],
    ['an object', open({ url: canary }), '', 'got an object (Object)'],
    ['a path', open('/var/lib/app'), '', `must be like ${example}`],
    ['a path of Windows', open('C:\\credentials'), 'path', 'must begin after two slashes'],
    ['a path without slashes', open('local:credentials'), 'path', `must begin after two slashes: ${example}`],
    ['a secret in its place', open(canary), '', 'got a string of 15 characters'],
    ['a scheme with other characters', open('local+x:///a'), 'scheme', 'must be of a-z 0-9 -'],
    [
      'a user',
      open('vault://hunter2@example.com/secret'),
      'user information',
      'use a ...File or ...Env parameter',
    ],
    [
      'a password',
      open('vault://:hunter2@example.com/secret'),
      'user information',
      'secrets do not belong into a URL',
    ],
    ['a fragment', open('local:///a#hunter2'), 'fragment', 'write a # in a path as %23'],
    ['a bad encoding', open('local:///a%zz/hunter2'), 'path', encoding],
    ['a bad encoding of UTF-8', open('local:///a%ff'), 'path', encoding],
    ['a bad encoding in a parameter', open('local:///a?b=%zzhunter2'), 'query', encoding],
    [
      'a parameter twice',
      open('vault://h/s?namespace=hunter2&namespace=hunter2'),
      'namespace',
      'is given more than once',
    ],
    [
      'a parameter as value and group',
      open('local:///a?retry=hunter2&retry.maxRetries=3'),
      'retry.maxRetries',
      'both as a value and as a group',
    ],
    [
      'a parameter as group and value',
      open('local:///a?retry.maxRetries=3&retry=hunter2'),
      'retry',
      'both as a value and as a group',
    ],
    [
      'a parameter __proto__',
      open('local:///a?__proto__.x=hunter2'),
      '__proto__.x',
      'is not the name of an option',
    ],
    [
      'a parameter constructor',
      open('local:///a?constructor=hunter2'),
      'constructor',
      'is not the name of an option',
    ],
    ['a parameter without name', open('local:///a?=hunter2'), '', 'is not the name of an option'],
    ...[
      'token',
      'clientSecret',
      'secretId',
      'password',
      'passphrase',
      'apiKey',
      'secretAccessKey',
      'auth.jwt',
      'encryptionKey',
      'privateKey',
    ].map(
      (name): Row => [
        `a secret as ${name}`,
        open(`vault://h/s?${name}=hunter2`),
        name,
        `use ${name}File or ${name}Env`,
      ],
    ),
    [
      'a misspelt scheme of the drivers',
      open('mapp:///a', { drivers }),
      '',
      'no driver is given for the scheme "mapp"; did you mean "map"?',
    ],
    ['an unknown scheme of the drivers', open('https://a/b', { drivers }), '', 'valid are map'],
    [
      'a scheme of Object.prototype',
      open('constructor:///a', { drivers }),
      '',
      'no driver is given for the scheme "constructor"',
    ],
    [
      'a misspelt scheme',
      open('asw://eu-west-1/a', { from: '/' }),
      '',
      'no package is known for the scheme "asw"; did you mean "aws"?',
    ],
    ['an unknown scheme', open('gopher://a/b', { from: '/' }), '', 'valid are local, aws, azure, vault, k8s'],
    [
      'a package that is not there',
      open('aws://eu-west-1/a', { from: '/' }),
      '',
      'the package @nebula/credential-aws cannot be found from /',
    ],
    ['options null', open('map:///a', null), '', 'must be an object, got null'],
    ['a misspelt option', open('map:///a', { driver: drivers }), 'driver', 'did you mean "drivers"?'],
    [
      'drivers that are a Map',
      open('map:///a', { drivers: new Map() }),
      'drivers',
      'must be an object of functions',
    ],
    [
      'a driver that is a module',
      open('map:///a', { drivers: { map: {} } }),
      'drivers.map',
      'must be a function that imports a package',
    ],
    [
      'a driver without providerFromUrl',
      open('map:///a', { drivers: { map: async () => ({}) } }),
      '',
      'the driver for "map" exports no providerFromUrl',
    ],
    [
      'a driver that gives nothing',
      open('map:///a', { drivers: { map: async () => undefined } }),
      '',
      'exports no providerFromUrl',
    ],
    [
      'a relative folder',
      open('map:///a', { from: 'node_modules' }),
      'from',
      'must be an absolute path or a file URL',
    ],
    [
      'a URL of the web',
      open('map:///a', { from: new URL('https://example.com/') }),
      'from',
      'must be an absolute path or a file URL',
    ],
  ]);

  it('are reported with all their problems at once', async () => {
    const error = await failing(open('local://u:hunter2@h/a%zz?token=hunter2&a=1&a=2&x-y=3#hunter2'));
    expect(error.issues.map(({ path }) => path)).toEqual([
      'user information',
      'fragment',
      'path',
      'token',
      'a',
      'x-y',
    ]);
  });

  it('say how to install what is missing, and only where the name is ours', async () => {
    expect((await failing(open('vault://h/s', { from: '/' }))).remedy).toBe(
      'Run: npm install @nebula/credential-vault',
    );
    expect((await failing(open('vautl://h/s', { from: '/' }))).remedy).not.toContain('install');
  });
});

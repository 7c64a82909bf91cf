import { describe, expect, it } from '@jest/globals';
import { CredentialManager, createProvider, EncryptionKey, EncryptionManager } from '../../src/index.ts';
import { collect } from '../support.ts';
import { VersionedDriver } from '../versioned-driver.ts';

import { type Call, canary, failing, type Row, table, wrong } from './table.ts';

const encryption = new EncryptionManager({ primary: EncryptionKey.generate() });

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

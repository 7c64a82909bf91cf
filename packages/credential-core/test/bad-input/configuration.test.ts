import { describe, expect, it } from '@jest/globals';
import {
  CredentialManager,
  createPassphraseDescriptor,
  createProvider,
  EncryptionKey,
  EncryptionManager,
} from '../../src/index.ts';
import { MapDriver } from '../support.ts';
import { VersionedDriver } from '../versioned-driver.ts';

import { canary, failing, table, wrong } from './table.ts';

const encryption = new EncryptionManager({ primary: EncryptionKey.generate() });
const descriptor = { kid: 'A'.repeat(43), salt: 'A'.repeat(22), m: 65_536, t: 3, p: 1 };

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

import { describe, expect, it, jest } from '@jest/globals';
import {
  type Credential,
  CredentialManager,
  type CredentialManagerOptions,
  createProvider,
  EncryptionKey,
  EncryptionManager,
  Secret,
  type StoredRecord,
} from '../src/index.ts';
import { BackendError, collect, MapDriver, record, rejection, turn } from './support.ts';
import { VersionedDriver } from './versioned-driver.ts';

const encryption = new EncryptionManager({ primary: EncryptionKey.generate() });
const text = ({ secret }: Credential): Promise<string> => secret.expose(String);

function managing(options: Partial<CredentialManagerOptions> = {}) {
  const driver = new VersionedDriver();
  const provider = options.provider ?? createProvider(driver);
  return { driver, provider, manager: new CredentialManager({ provider, encryption, ...options }) };
}

describe('store and retrieve', () => {
  it.each<[string, () => Secret | string | Uint8Array, Buffer]>([
    ['a string', () => 'Grüße 🔑', Buffer.from('Grüße 🔑')],
    ['an empty string', () => '', Buffer.alloc(0)],
    ['bytes', () => Uint8Array.of(0, 255, 10), Buffer.of(0, 255, 10)],
    ['a Buffer that is part of another', () => Buffer.from('xyz').subarray(1, 2), Buffer.from('y')],
    ['a Secret', () => Secret.from('s3cret'), Buffer.from('s3cret')],
    ['many bytes', () => new Uint8Array(60_000).fill(7), Buffer.alloc(60_000, 7)],
  ])('give back %s', async (_form, value, expected) => {
    for (const mode of [encryption, 'provider'] as const) {
      const { manager } = managing({ encryption: mode });
      await manager.store('a', value());
      const { secret } = await manager.retrieve('a');
      expect(await secret.expose((bytes) => Buffer.from(bytes).equals(expected))).toBe(true);
    }
  });

  it('takes the value when it is called: what becomes of the buffer afterwards does not matter', async () => {
    const { manager } = managing();
    const bytes = Buffer.from('value');
    const storing = manager.store('a', bytes);
    bytes.fill(0);
    await storing;
    expect(await text(await manager.retrieve('a'))).toBe('value');
  });

  it('leaves the Secret of the caller as it is', async () => {
    const { manager } = managing();
    const secret = Secret.from('value');
    await manager.store('a', secret);
    expect(await secret.expose(String)).toBe('value');
    secret.dispose();
    expect(await rejection(manager.store('a', secret))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      operation: 'store',
      outcome: 'not-applied',
    });
  });

  it('give back the metadata', async () => {
    const { manager } = managing();
    const metadata = {
      createdAt: new Date('2001-02-03T04:05:06.789Z'),
      expiresAt: new Date('2999-01-01T00:00:00Z'),
      rotationPolicy: { intervalDays: 90 },
      tags: { team: 'payments', env: 'prod', constructor: 'x' },
    };
    const before = Date.now();
    const revision = await manager.store('a', 'x', metadata);
    const found = await manager.retrieve('a');
    expect(found).toMatchObject({ id: 'a', revision, expired: false, metadata });
    expect(found.metadata.lastModified.getTime()).toBeGreaterThanOrEqual(before);
    expect(found.metadata.lastModified.getTime()).toBeLessThanOrEqual(Date.now());
    expect(await manager.head('a')).toEqual({ id: 'a', revision, metadata: found.metadata });
  });

  it('replace the metadata as a whole, and default it', async () => {
    const { manager } = managing();
    await manager.store('a', 'x', { tags: { team: 'a' }, expiresAt: new Date(), createdAt: new Date(5) });
    await manager.store('a', 'y');
    const { metadata } = await manager.retrieve('a');
    expect(Object.keys(metadata).sort()).toEqual(['createdAt', 'lastModified', 'tags']);
    expect(metadata).toMatchObject({ tags: {}, createdAt: metadata.lastModified });
  });

  it('pass conditions on', async () => {
    const { manager } = managing();
    const first = await manager.store('a', 'x', { ifAbsent: true });
    const lost = { code: 'ALREADY_EXISTS', outcome: 'not-applied' };
    expect(await rejection(manager.store('a', 'y', { ifAbsent: true }))).toMatchObject(lost);
    await manager.store('a', 'y', { ifRevision: first });
    const stale = { code: 'CONFLICT', outcome: 'not-applied' };
    expect(await rejection(manager.store('a', 'z', { ifRevision: first }))).toMatchObject(stale);
    expect(await manager.retrieve('a', { ifNotRevision: first })).toBeDefined();
    const { revision } = await manager.head('a');
    expect(await manager.retrieve('a', { ifNotRevision: revision })).toBeUndefined();
    expect(await text(await manager.retrieve('a', { version: '0' }))).toBe('x');
  });

  it('store nothing that can be read, except in plain', async () => {
    const { driver, manager } = managing();
    await manager.store('a', 'canary-value');
    const stored = JSON.stringify([...driver.shelves]);
    expect(stored).not.toContain('canary');
    expect(stored).not.toContain(Buffer.from('canary-value').toString('base64url'));
  });

  it('delete, exist and list', async () => {
    const { manager } = managing();
    expect(await manager.exists('a')).toBe(false);
    await manager.store('a', 'x', { tags: { team: 'a' } });
    await manager.store('b', 'x', { tags: { team: 'b' } });
    expect([await manager.exists('a'), await collect(manager.list())]).toEqual([true, ['a', 'b']]);
    expect(await collect(manager.list({ tags: { team: 'b' } }))).toEqual(['b']);
    expect(await collect(manager.entries({ tags: { team: 'a' } }))).toMatchObject([
      { id: 'a', tags: { team: 'a' } },
    ]);
    await manager.delete('a');
    await manager.delete('a');
    expect(await rejection(manager.retrieve('a'))).toMatchObject({ code: 'NOT_FOUND', id: 'a' });
  });

  it('wipe the copies of the plaintext', async () => {
    const filled: Uint8Array[] = [];
    const fill = jest.spyOn(Buffer.prototype, 'fill').mockImplementation(function (this: Buffer, value) {
      filled.push(Buffer.from(this));
      for (let at = 0; at < this.length; at += 1) {
        this[at] = value as number;
      }
      return this;
    });
    try {
      const { manager } = managing();
      await manager.store('a', 'canary');
      const found = await manager.retrieve('a');
      const wiped = () => filled.filter((bytes) => bytes.toString() === 'canary').length;
      expect(wiped()).toBe(2);
      found.secret.dispose();
      expect(wiped()).toBe(3);
    } finally {
      fill.mockRestore();
    }
  });
});

describe('expiry', () => {
  const past = new Date(Date.now() - 1);
  const future = new Date(Date.now() + 3_600_000);

  it('is told, not enforced, unless asked for', async () => {
    const { manager } = managing();
    await manager.store('past', 'x', { expiresAt: past });
    await manager.store('future', 'x', { expiresAt: future });
    const expired = async (id: string) => (await manager.retrieve(id)).expired;
    expect([await expired('past'), await expired('future')]).toEqual([true, false]);
    expect(await text(await manager.retrieve('past'))).toBe('x');
    expect(await rejection(manager.retrieve('past', { onExpired: 'throw' }))).toMatchObject({
      code: 'INVALID_STATE',
      id: 'past',
      operation: 'retrieve',
      provider: 'versioned',
      message: `INVALID_STATE: the credential expired at ${past.toISOString()}`,
    });
  });

  it('throws where the manager says so, and returns where the call says otherwise', async () => {
    const { manager } = managing({ onExpired: 'throw' });
    await manager.store('past', 'x', { expiresAt: past });
    expect(await rejection(manager.retrieve('past'))).toMatchObject({ code: 'INVALID_STATE' });
    expect((await manager.retrieve('past', { onExpired: 'return' })).expired).toBe(true);
  });

  it('wipes what it does not hand out', async () => {
    const dispose = jest.spyOn(Secret.prototype, 'dispose');
    try {
      const { manager } = managing();
      await manager.store('past', Secret.from('x'), { expiresAt: past });
      await rejection(manager.retrieve('past', { onExpired: 'throw' }));
      await rejection(manager.retrieve('past', { minLastModified: future }));
      expect(dispose).toHaveBeenCalledTimes(2);
    } finally {
      dispose.mockRestore();
    }
  });
});

describe('minLastModified', () => {
  it('refuses an older record that was put back', async () => {
    const { driver, manager } = managing();
    await manager.store('a', 'old');
    const { metadata } = await manager.head('a');
    const { lastModified } = metadata;
    expect(await text(await manager.retrieve('a', { minLastModified: lastModified }))).toBe('old');
    const later = new Date(lastModified.getTime() + 1);
    const error = { code: 'CORRUPTED', id: 'a', operation: 'retrieve' };
    expect(await rejection(manager.retrieve('a', { minLastModified: later }))).toMatchObject(error);
    // Also where it has expired: what matters more is said.
    await manager.store('a', 'old', { expiresAt: new Date(0) });
    const both = { minLastModified: new Date(Date.now() + 1_000), onExpired: 'throw' } as const;
    expect(await rejection(manager.retrieve('a', both))).toMatchObject(error);
    expect(driver.requests).toContain('read');
  });
});

describe('contexts', () => {
  it('come from the manager, unless a call has its own', async () => {
    const { manager } = managing({ context: { scope: 'one' } });
    const none = { context: {} };
    await manager.store('a', 'one');
    await manager.store('a', 'none', none);
    await manager.store('a', 'two', { context: { scope: 'two' } });
    expect(await text(await manager.retrieve('a'))).toBe('one');
    expect(await text(await manager.retrieve('a', none))).toBe('none');
    expect(await text(await manager.retrieve('a', { context: { scope: 'two' } }))).toBe('two');
    await manager.delete('a');
    expect([await manager.exists('a'), await manager.exists('a', none)]).toEqual([false, true]);
    expect([await collect(manager.list()), await collect(manager.list({}, none))]).toEqual([[], ['a']]);
    expect(await collect(manager.deleted.list())).toEqual([{ id: 'a' }]);
    expect(await collect(manager.deleted.list(none))).toEqual([]);
    expect(await rejection(manager.deleted.restore('a', none))).toMatchObject({ code: 'NOT_FOUND' });
    await manager.deleted.restore('a');
    expect(await text(await manager.retrieve('a'))).toBe('one');
  });

  it('are part of what is encrypted: a record moved to another scope does not open', async () => {
    const { driver, manager } = managing();
    await manager.store('a', 'x', { context: { scope: 'one' } });
    const shelf = driver.shelves.get('one:a');
    driver.shelves.set(':a', {
      versions: shelf?.versions ?? [],
      target: { id: 'a' as never, scope: undefined },
      deleted: false,
    });
    expect(await rejection(manager.retrieve('a'))).toMatchObject({
      code: 'DECRYPTION_FAILED',
      id: 'a',
      operation: 'retrieve',
      provider: 'versioned',
    });
  });
});

describe("limits: 'portable'", () => {
  it('holds tags to what all backends take, before anything is sent', async () => {
    const { driver, manager } = managing({ limits: 'portable' });
    const tags = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`k${n}`, 'v']));
    expect(await rejection(manager.store('a', 'x', { tags }))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      issues: [{ path: 'tags', message: 'must be at most 8, got 9' }],
      outcome: 'not-applied',
      operation: 'store',
      id: 'a',
    });
    expect(driver.requests).toEqual([]);
    await managing().manager.store('a', 'x', { tags });
  });
});

describe('the four combinations of mode and record', () => {
  const other = new EncryptionManager({ primary: EncryptionKey.generate() });

  async function stored() {
    const driver = new VersionedDriver();
    const provider = createProvider(driver);
    await new CredentialManager({ provider, encryption }).store('sealed', 'sealed value');
    await new CredentialManager({ provider, encryption: 'provider' }).store('plain', 'plain value');
    return (options: Partial<CredentialManagerOptions>) =>
      new CredentialManager({ provider, encryption, ...options });
  }

  it('keys and envelope: opens', async () => {
    const manager = (await stored())({});
    expect(await text(await manager.retrieve('sealed'))).toBe('sealed value');
  });

  it("'provider' and plain: opens", async () => {
    const manager = (await stored())({ encryption: 'provider' });
    expect(await text(await manager.retrieve('plain'))).toBe('plain value');
  });

  it('keys and plain: CORRUPTED, unless alsoRead', async () => {
    const make = await stored();
    expect(await rejection(make({}).retrieve('plain'))).toMatchObject({
      code: 'CORRUPTED',
      id: 'plain',
      remedy: expect.stringContaining("alsoRead: 'plain'"),
    });
    const both = make({ alsoRead: 'plain' });
    expect(await text(await both.retrieve('plain'))).toBe('plain value');
    expect(await text(await both.retrieve('sealed'))).toBe('sealed value');
    await both.store('plain', 'now sealed');
    expect(await text(await make({}).retrieve('plain'))).toBe('now sealed');
  });

  it("'provider' and envelope: INVALID_CONFIG, unless alsoRead", async () => {
    const make = await stored();
    expect(await rejection(make({ encryption: 'provider' }).retrieve('sealed'))).toMatchObject({
      code: 'INVALID_CONFIG',
      id: 'sealed',
      remedy: expect.stringContaining('Configure an EncryptionManager'),
    });
    const both = make({ encryption: 'provider', alsoRead: encryption });
    expect(await text(await both.retrieve('plain'))).toBe('plain value');
    expect(await text(await both.retrieve('sealed'))).toBe('sealed value');
    const wrongKey = make({ encryption: 'provider', alsoRead: other });
    expect(await rejection(wrongKey.retrieve('sealed'))).toMatchObject({
      code: 'KEY_NOT_FOUND',
      kid: encryption.primaryKid,
    });
  });

  it('read what other tools made under a name of the backend', async () => {
    const { driver, manager } = managing({ encryption: 'provider' });
    const foreign = { ...record(), jwe: undefined, value: Buffer.from('from elsewhere') };
    const { jwe: _jwe, ...plain } = foreign;
    driver.foreign.set('Legacy/Name', plain as StoredRecord);
    expect(await text(await manager.retrieve('legacy', { nativeName: 'Legacy/Name' }))).toBe(
      'from elsewhere',
    );
  });

  it('give the application a copy: what it does to it stays with it', async () => {
    const { manager } = managing({ encryption: 'provider' });
    await manager.store('a', 'value');
    const { secret } = await manager.retrieve('a');
    secret.dispose();
    expect(await text(await manager.retrieve('a'))).toBe('value');
  });
});

describe('a store that is retried', () => {
  it('sends the same writeId and the same bytes on every attempt, and encrypts once', async () => {
    const driver = new MapDriver();
    const sent: StoredRecord[] = [];
    const { write } = driver;
    driver.write = (call, target, stored, condition) => {
      sent.push(stored);
      return write.call(driver, call, target, stored, condition);
    };
    const lost = new Set([1, 2]);
    let writes = 0;
    const bytes: string[] = [];
    driver.interference.before = async (step) => {
      await turn();
      if (step === 'write') {
        writes += 1;
        bytes.push(JSON.stringify(sent[0]));
        if (lost.has(writes)) {
          throw new BackendError({ code: 'UNAVAILABLE' });
        }
      }
    };
    const encrypt = jest.spyOn(encryption, 'encrypt');
    try {
      const provider = createProvider(driver, { retry: { baseDelay: 0 } });
      await new CredentialManager({ provider, encryption }).store('a', 'x');
      expect([writes, sent.length, new Set(bytes).size]).toEqual([3, 1, 1]);
      expect(encrypt).toHaveBeenCalledTimes(1);
      expect([...driver.applied]).toEqual([[sent[0]?.writeId, 1]]);
      await new CredentialManager({ provider, encryption }).store('a', 'x');
      expect(sent[1]?.writeId).not.toBe(sent[0]?.writeId);
    } finally {
      encrypt.mockRestore();
    }
  });
});

describe('versions and deleted', () => {
  it('go through to the provider', async () => {
    const { manager } = managing();
    for (const value of ['one', 'two', 'three', 'four', 'five']) {
      await manager.store('a', value);
    }
    const versions = await collect(manager.versions.list('a'));
    expect(versions.map(({ version, current }) => [version, current])).toEqual([
      ['4', true],
      ['3', false],
      ['2', false],
      ['1', false],
      ['0', false],
    ]);
    await manager.versions.restore('a', '1');
    expect(await text(await manager.retrieve('a'))).toBe('two');
    await manager.delete('a');
    await manager.deleted.purge('a');
    expect(await collect(manager.deleted.list())).toEqual([]);
  });

  it('are UNSUPPORTED where they are absent', async () => {
    const driver = new MapDriver();
    const { manager } = managing({ provider: createProvider(driver) });
    const reads: Record<string, () => Promise<unknown>> = {
      'versions.list': () => collect(manager.versions.list('a')),
      'deleted.list': () => collect(manager.deleted.list()),
    };
    const writes: Record<string, () => Promise<unknown>> = {
      'versions.restore': () => manager.versions.restore('a', '1'),
      'deleted.restore': () => manager.deleted.restore('a'),
      'deleted.purge': () => manager.deleted.purge('a'),
    };
    for (const [operation, call] of Object.entries({ ...reads, ...writes })) {
      expect(await rejection(call())).toMatchObject({
        code: 'UNSUPPORTED',
        provider: 'map',
        operation,
        ...(operation in writes && { outcome: 'not-applied' }),
      });
    }
    expect(driver.requests).toEqual([]);
  });
});

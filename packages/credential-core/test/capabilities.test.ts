import { describe, expect, it } from '@jest/globals';
import {
  createProvider,
  createWriteId,
  credentialId,
  type Driver,
  type DriverTraits,
  EncryptionKey,
  EncryptionManager,
  type Revision,
  type StorageError,
  type StorageProvider,
  scope,
  serializeRecord,
} from '../src/index.ts';
import { MapDriver, record, rejection } from './support.ts';
import { VersionedDriver } from './versioned-driver.ts';

const once = { retry: { maxRetries: 0 } } as const;

async function connected<D extends Driver>(driver: D, options = {}): Promise<StorageProvider> {
  const provider = createProvider(driver, { ...once, ...options });
  await provider.connect();
  return provider;
}

describe('what a driver does not offer', () => {
  const bare: Partial<DriverTraits> = { ifAbsent: false, ifRevision: false, deleteIfRevision: false };
  const r = 'r' as Revision;
  const plain = { v: 1, kind: 'value', writeId: createWriteId(), meta: record().meta } as const;

  it.each<[string, (p: StorageProvider) => Promise<unknown>, 'not-applied' | undefined]>([
    ['store with ifAbsent', (p) => p.store('a', record(), {}, { ifAbsent: true }), 'not-applied'],
    ['store with ifRevision', (p) => p.store('a', record(), {}, { ifRevision: r }), 'not-applied'],
    ['delete with ifRevision', (p) => p.delete('a', {}, { ifRevision: r }), 'not-applied'],
    ['a plain value', (p) => p.store('a', { ...plain, value: new Uint8Array(1) }), 'not-applied'],
    ['retrieve with version', (p) => p.retrieve('a', {}, { version: '1' }), undefined],
    ['retrieve with nativeName', (p) => p.retrieve('a', {}, { nativeName: 'x' }), undefined],
  ])('%s is UNSUPPORTED, and nothing is sent', async (_what, call, outcome) => {
    const driver = new MapDriver({ traits: bare });
    const provider = createProvider(driver);
    const error: StorageError = await rejection(call(provider));
    expect(error).toMatchObject({ code: 'UNSUPPORTED', provider: 'map', attempts: 0, retryable: false });
    expect(error.outcome).toBe(outcome);
    expect(driver.requests).toEqual([]);
    expect(provider.state).toBe('configured');
  });

  it('ifAbsent: false asks for nothing', async () => {
    const provider = createProvider(new MapDriver({ traits: bare }));
    await expect(provider.store('a', record(), {}, { ifAbsent: false })).resolves.toBe('r1');
  });

  it('has no member', () => {
    const provider = createProvider(new MapDriver());
    const { versions, deleted, scopes, watch } = provider;
    expect([versions, deleted, scopes, watch]).toEqual([undefined, undefined, undefined, undefined]);
    expect('watch' in provider && provider.watch !== undefined).toBe(false);
  });
});

describe('capabilities', () => {
  it('follow from the traits and from the members of the driver', () => {
    const said = { ifAbsent: true, index: 'atomic', metadataAtomic: true, tags: { count: 20 } };
    const bare = createProvider(new MapDriver()).capabilities;
    expect(bare).toMatchObject({ ...said, versions: false, deleted: false, scopes: false, watch: false });
    const full = createProvider(new VersionedDriver()).capabilities;
    expect(full).toMatchObject({ ...said, versions: true, deleted: true, scopes: true, watch: true });
    expect(full).not.toHaveProperty('maxRecordBytes');
  });

  it.each([2_000, 7_777, 7_778, 7_779, 7_780, 65_536, 250_001])(
    'maxPlaintextBytes is the largest that fits into %i bytes',
    async (maxRecordBytes) => {
      const driver = new MapDriver({ traits: { maxRecordBytes } });
      const provider = await connected(driver);
      const { maxPlaintextBytes } = provider.capabilities;
      const encryption = new EncryptionManager({ primary: EncryptionKey.generate() });
      const target = { id: credentialId('i'.repeat(128)), scope: scope('s'.repeat(63)) };
      const date = new Date().toISOString();
      const meta = {
        createdAt: date,
        lastModified: date,
        expiresAt: date,
        rotationPolicy: { intervalDays: 3_650 },
        tags: {},
      };
      const made = async (bytes: number) => {
        const writeId = createWriteId();
        const jwe = await encryption.encrypt(new Uint8Array(bytes), { ...target, writeId, meta });
        return { v: 1, kind: 'value', writeId, meta, jwe } as const;
      };
      driver.requests.length = 0;
      const tooLarge = await made(maxPlaintextBytes + 1);
      const size = Buffer.byteLength(serializeRecord(tooLarge));
      expect(await rejection(provider.store(target.id, tooLarge, { scope: target.scope }))).toMatchObject({
        code: 'TOO_LARGE',
        outcome: 'not-applied',
        size,
        limit: maxRecordBytes,
        message: `TOO_LARGE: the value has ${maxPlaintextBytes + 1} bytes and ${size} as stored; at most ${maxRecordBytes} can be stored`,
      });
      expect(size).toBeGreaterThan(maxRecordBytes);
      expect(driver.requests).toEqual([]);
      await provider.store(target.id, await made(maxPlaintextBytes), { scope: target.scope });
      expect(driver.requests).toEqual(['write']);
    },
  );

  it('maxPlaintextBytes is 0 where not even an empty value fits', () => {
    const { capabilities } = createProvider(new MapDriver({ traits: { maxRecordBytes: 10 } }));
    expect(capabilities.maxPlaintextBytes).toBe(0);
  });
});

describe('limits of a backend', () => {
  it('plain values count as they are', async () => {
    const driver = new VersionedDriver({ maxRecordBytes: 10 });
    const provider = await connected(driver);
    const plain = (bytes: number) =>
      ({
        v: 1,
        kind: 'value',
        writeId: createWriteId(),
        meta: record().meta,
        value: new Uint8Array(bytes),
      }) as const;
    await provider.store('a', plain(10));
    const error = await rejection(provider.store('a', plain(11)));
    expect(error).toMatchObject({ code: 'TOO_LARGE', size: 11, limit: 10 });
  });

  it('more tags than it takes are refused with the limit', async () => {
    const driver = new MapDriver({ traits: { tags: { count: 3 } } });
    const provider = createProvider(driver);
    const error = await rejection(provider.store('a', record('x', { a: '', b: '', c: '', d: '' })));
    expect(error).toMatchObject({
      code: 'INVALID_ARGUMENT',
      outcome: 'not-applied',
      issues: [{ path: 'tags', message: 'must be at most 3, the limit of the backend, got 4' }],
    });
    expect(driver.requests).toEqual([]);
    await provider.store('a', record('x', { a: '', b: '', c: '' }));
  });
});

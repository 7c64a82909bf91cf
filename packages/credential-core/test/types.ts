/**
 * The public types, in both directions: what must compile does, and what must not has a `@ts-expect-error` that fails
 * the type check should it compile after all. Nothing here is run.
 */
import {
  type Capabilities,
  type Credential,
  type CredentialErrorCode,
  type CredentialId,
  CredentialManager,
  type CryptoErrorCode,
  createProvider,
  type credentialContext,
  credentialId,
  type Driver,
  EncryptionKey,
  type EncryptionManager,
  hasCode,
  isEncrypted,
  type ManagerStoreOptions,
  optionsSchema,
  type PlainRecord,
  type Revision,
  type Scope,
  Secret,
  StorageError,
  type StorageErrorCode,
  type StorageProvider,
  type StoredCredential,
  type StoredRecord,
  scope,
  type ValidationErrorCode,
  type WriteOutcome,
} from '../src/index.ts';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_same: Same<A, B>): void {}

declare const provider: StorageProvider;
declare const manager: CredentialManager;
declare const driver: Driver;
declare const keys: EncryptionManager;
declare const record: StoredRecord;
declare const revision: Revision;
declare const caught: unknown;

export function brands(): void {
  const id: CredentialId = credentialId('a');
  const text: string = id;
  const named: Scope = scope('a');
  // @ts-expect-error: not every string is an id
  const notAnId: CredentialId = 'a';
  // @ts-expect-error: nor every id a scope
  const notAScope: Scope = id;
  // @ts-expect-error: a scope is no id
  const notAnIdEither: CredentialId = named;
  void [text, notAnId, notAScope, notAnIdEither];
  // Calls take plain strings: they validate.
  void provider.head('a', { scope: 'b' });
  void provider.head(id, { scope: named });
  same<typeof id, CredentialId>(true);
  same<string, CredentialId>(false);
  same<ReturnType<typeof credentialContext>['scope'], Scope | undefined>(true);
}

export async function revisions(): Promise<void> {
  const stored = await manager.store('a', 'x');
  same<typeof stored, Revision>(true);
  await manager.store('a', 'y', { ifRevision: stored });
  await manager.delete('a', { ifRevision: stored });
  // @ts-expect-error: a revision is opaque, and comes from the provider only
  await manager.store('a', 'y', { ifRevision: 'r1' });
  // @ts-expect-error: a version is no revision
  await manager.delete('a', { ifRevision: 1 });
}

export async function retrieving(maybe: Revision | undefined): Promise<void> {
  const found = await manager.retrieve('a');
  same<typeof found, Credential>(true);
  const scoped = await manager.retrieve('a', { context: { scope: 'b' }, onExpired: 'throw' });
  same<typeof scoped, Credential>(true);
  const changed = await manager.retrieve('a', { ifNotRevision: revision });
  same<typeof changed, Credential | undefined>(true);
  const perhaps = await manager.retrieve('a', { ifNotRevision: maybe });
  same<typeof perhaps, Credential | undefined>(true);
  const stored = await provider.retrieve('a');
  same<typeof stored, StoredCredential>(true);
  const current = await provider.retrieve('a', {}, { version: '1' });
  same<typeof current, StoredCredential>(true);
  const other = await provider.retrieve('a', {}, { ifNotRevision: revision });
  same<typeof other, StoredCredential | undefined>(true);
  // @ts-expect-error: may be undefined
  void changed.secret;
}

export function options(dates: { readonly expiresAt?: Date | undefined }): void {
  // Explicitly undefined is as good as absent: options are often passed on.
  void manager.store('a', 'x', { ...dates, ifAbsent: undefined, tags: undefined, signal: undefined });
  void manager.store('a', Secret.from('x'));
  void manager.store('a', new Uint8Array(1));
  // @ts-expect-error: misspelt
  void manager.store('a', 'x', { expireAt: new Date() });
  // @ts-expect-error: null is no way to say nothing
  void manager.store('a', 'x', { expiresAt: null });
  // @ts-expect-error: dates are Dates
  void manager.store('a', 'x', { expiresAt: '2026-01-01' });
  // @ts-expect-error: tags are strings
  void manager.store('a', 'x', { tags: { n: 1 } });
  // @ts-expect-error: core sets it
  void manager.store('a', 'x', { lastModified: new Date() });
  // @ts-expect-error: the secret is required
  void manager.store('a');
  // @ts-expect-error: options of another call
  void manager.head('a', { ifAbsent: true });
  same<keyof ManagerStoreOptions & 'ifNotRevision', never>(true);
  void createProvider(driver, { retry: { maxRetries: 3 }, timeouts: { read: 1_000 } });
  // @ts-expect-error: misspelt
  void createProvider(driver, { timeout: 1_000 });
  // @ts-expect-error: one of two
  void createProvider(driver, { retry: { jitter: 'some' } });
}

export function managers(): void {
  void new CredentialManager({ provider, encryption: keys });
  void new CredentialManager({ provider, encryption: 'provider', alsoRead: keys, limits: 'portable' });
  // @ts-expect-error: encryption is no default
  void new CredentialManager({ provider });
  // @ts-expect-error: a key is no EncryptionManager
  void new CredentialManager({ provider, encryption: EncryptionKey.generate() });
  // @ts-expect-error: made by its static methods only
  void new EncryptionKey();
  // @ts-expect-error: made by Secret.from only
  void new Secret(Buffer.alloc(1));
}

export function codes(): void {
  same<CredentialErrorCode, StorageErrorCode | CryptoErrorCode | ValidationErrorCode>(true);
  same<Extract<StorageErrorCode, CryptoErrorCode | ValidationErrorCode>, never>(true);
  same<string extends CredentialErrorCode ? true : false, false>(true);
  same<WriteOutcome, 'not-applied' | 'unknown'>(true);
  // @ts-expect-error: not a code of this class
  void new StorageError('CORRUPTED', 'x');
  if (caught instanceof StorageError) {
    same<typeof caught.code, StorageErrorCode>(true);
    same<typeof caught.outcome, WriteOutcome | undefined>(true);
    same<typeof caught.retryable, boolean>(true);
    // @ts-expect-error: codes are known
    void (caught.code === 'NOT_FUOND');
  }
  if (hasCode(caught, 'NOT_FOUND', 'CONFLICT')) {
    same<typeof caught.code, 'NOT_FOUND' | 'CONFLICT'>(true);
  }
  // @ts-expect-error: no such code
  void hasCode(caught, 'ENOENT');
}

export function optionalMembers(): void {
  // @ts-expect-error: only where capabilities.versions is true
  void provider.versions.list('a');
  // @ts-expect-error: only where capabilities.watch is true
  void provider.watch();
  void provider.deleted?.purge('a');
  // The manager always has them, and throws UNSUPPORTED.
  void manager.versions.restore('a', '1');
  // @ts-expect-error: capabilities are not for changing
  provider.capabilities.versions = true;
  same<Capabilities['index'], 'atomic' | 'eventual'>(true);
}

export function records(): void {
  if (isEncrypted(record)) {
    void record.jwe.ciphertext;
    // @ts-expect-error: an encrypted record has no plain value
    void record.value;
  } else {
    same<typeof record, PlainRecord>(true);
  }
}

export async function secrets(secret: Secret): Promise<void> {
  const text = await secret.expose((bytes) => bytes.toString());
  same<typeof text, string>(true);
  const length = await secret.expose(async (bytes) => bytes.length);
  same<typeof length, number>(true);
  // @ts-expect-error: the bytes are nobody's but through expose
  void secret.bytes;
  // @ts-expect-error: a Secret is no string
  const notText: string = secret;
  void notText;
  using disposable = secret;
  void disposable;
}

export function drivers(): void {
  void createProvider(driver);
  const { read: _read, ...unreadable } = driver;
  // @ts-expect-error: a driver must read
  void createProvider(unreadable);
  const { history: _history, bin: _bin, watch: _watch, ...least } = driver;
  void createProvider(least);
  void optionsSchema({});
}

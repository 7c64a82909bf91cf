import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  type CredentialErrorCode,
  createProvider,
  type EncryptedRecord,
  hasCode,
  type Revision,
  type StorageProvider,
} from '@nebula/credential-core';
import { injectFaults, scriptedFaults } from '@nebula/credential-testkit';
import { LocalDriver } from '../src/driver.ts';
import { LocalStorageProvider } from '../src/provider.ts';
import { filesBelow, temporaryDirectories } from './directories.ts';
import { recordOf } from './records.ts';

const temporaryDirectory = temporaryDirectories();
const posix = process.platform !== 'win32';

async function opened(
  directory: string = temporaryDirectory(),
  versions = 0,
): Promise<{ directory: string; provider: StorageProvider }> {
  const provider = new LocalStorageProvider({ directory, versions });
  await provider.connect();
  return { directory, provider };
}

async function failure(promise: Promise<unknown>, code: CredentialErrorCode) {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code });
  if (!hasCode(error, code)) {
    throw error;
  }
  return error;
}

describe('a credential on disk', () => {
  it('is one file that only its owner can open, in a folder of the same kind', async () => {
    const { directory, provider } = await opened();
    const record = recordOf({ team: 'a' });
    const revision = await provider.store('prod/DB-password', record);
    await provider.store('prod/DB-password', record, { scope: 'team-a' });
    const path = join(directory, 'prod+=db-=password.json');
    const text = readFileSync(path, 'utf8');
    const document = JSON.parse(text);
    expect(text).toBe(JSON.stringify(document));
    expect(document).toEqual({
      v: 1,
      id: 'prod/DB-password',
      createdAt: expect.any(String),
      writtenAt: document.createdAt,
      version: 1,
      stamp: revision.slice(2),
      record,
    });
    const scoped = JSON.parse(readFileSync(join(directory, '@team-a', 'prod+=db-=password.json'), 'utf8'));
    expect(scoped).toMatchObject({ scope: 'team-a', id: 'prod/DB-password' });
    if (posix) {
      const modes = [directory, join(directory, '@team-a'), path].map((each) => lstatSync(each).mode & 0o777);
      expect(modes).toEqual([0o700, 0o700, 0o600]);
    }
    await provider.close();
  });

  it('keeps the date of its first write, and never has a revision twice', async () => {
    const { directory, provider } = await opened();
    const record = recordOf();
    const revisions = [await provider.store('a', record)];
    const { createdAt } = JSON.parse(readFileSync(join(directory, 'a.json'), 'utf8'));
    revisions.push(await provider.store('a', record));
    expect((await provider.head('a')).metadata.createdAt.toISOString()).toBe(createdAt);
    await provider.delete('a');
    revisions.push(await provider.store('a', record));
    expect(new Set(revisions).size).toBe(3);
    const error = await failure(
      provider.store('a', record, {}, { ifRevision: revisions[0] as Revision }),
      'CONFLICT',
    );
    expect(error.outcome).toBe('not-applied');
    await provider.close();
  });

  it('is never a plain value', async () => {
    const { provider } = await opened();
    const { jwe: _jwe, ...rest } = recordOf();
    await failure(provider.store('a', { ...rest, value: Buffer.from('x') }), 'UNSUPPORTED');
    expect(provider.capabilities).toMatchObject({ plainValues: false, versions: false, index: 'atomic' });
    await provider.close();
  });
});

describe('a damaged file', () => {
  const damages: readonly (readonly [string, CredentialErrorCode, (text: string) => string])[] = [
    ['cut', 'CORRUPTED', (text) => text.slice(0, -10)],
    ['empty', 'CORRUPTED', () => ''],
    ['of another id', 'CORRUPTED', (text) => text.replace('"id":"a"', '"id":"b"')],
    ['of a scope', 'CORRUPTED', (text) => text.replace('"id":"a"', '"id":"a","scope":"x"')],
    ['with a field of nobody', 'CORRUPTED', (text) => text.replace('"id"', '"extra":1,"id"')],
    ['with a malformed record', 'CORRUPTED', (text) => text.replace('"iv"', '"vi"')],
    ['without a version', 'CORRUPTED', (text) => text.replace('"version":1', '"version":0')],
    ['of a later version', 'UNSUPPORTED_FORMAT', (text) => text.replace('"v":1', '"v":2')],
    [
      'with a record of a later version',
      'UNSUPPORTED_FORMAT',
      (text) => text.replace('"record":{"v":1', '"record":{"v":2'),
    ],
    ['huge', 'CORRUPTED', (text) => text + ' '.repeat(5 * 1024 * 1024)],
  ];

  it.each(damages)('that is %s is %s, and can be replaced or deleted', async (_what, code, damage) => {
    const { directory, provider } = await opened();
    const path = join(directory, 'a.json');
    const revision = await provider.store('a', recordOf());
    const damaged = damage(readFileSync(path, 'utf8'));
    const hurt = (): void => writeFileSync(path, damaged);
    hurt();
    for (const act of [
      () => provider.retrieve('a'),
      () => provider.head('a'),
      () => provider.exists('a'),
      () => provider.store('a', recordOf(), {}, { ifRevision: revision }),
      () => provider.delete('a', {}, { ifRevision: revision }),
      () => Array.fromAsync(provider.entries()),
    ]) {
      const error = await failure(act(), code);
      expect(error.message).toContain(path);
    }
    await failure(provider.store('a', recordOf(), {}, { ifAbsent: true }), 'ALREADY_EXISTS');
    expect(readFileSync(path, 'utf8')).toBe(damaged);
    expect(await Array.fromAsync(provider.list())).toEqual(['a']);
    await provider.store('a', recordOf({ new: 'yes' }));
    expect((await provider.retrieve('a')).metadata.tags).toEqual({ new: 'yes' });
    hurt();
    await provider.delete('a');
    expect(await provider.exists('a')).toBe(false);
    await provider.close();
  });

  it('is one that was renamed, moved or copied', async () => {
    const { directory, provider } = await opened();
    const long = 'aB'.repeat(64);
    await provider.store('a', recordOf());
    await provider.store(long, recordOf(), { scope: 'x' });
    await provider.store('a', recordOf(), { scope: 'x' });
    const [hashed] = filesBelow(join(directory, '@x')).filter((name) => name.includes('--'));
    renameSync(join(directory, 'a.json'), join(directory, 'b.json'));
    await failure(provider.retrieve('b'), 'CORRUPTED');
    renameSync(join(directory, '@x', 'a.json'), join(directory, 'c.json'));
    await failure(provider.retrieve('c'), 'CORRUPTED');
    renameSync(join(directory, '@x', hashed ?? ''), join(directory, hashed ?? ''));
    rmSync(join(directory, 'b.json'));
    rmSync(join(directory, 'c.json'));
    await failure(Array.fromAsync(provider.list()), 'CORRUPTED');
    await provider.close();
  });
});

describe('permissions', () => {
  if (!posix) {
    // Windows keeps them in access lists, which the folder has from its making; see permissions.test.ts.
    return;
  }

  it('of the folder are checked when it is opened and whenever it is written', async () => {
    const { directory, provider } = await opened();
    await provider.store('a', recordOf());
    chmodSync(directory, 0o750);
    const fresh = new LocalStorageProvider({ directory });
    for (const act of [
      () => fresh.connect(),
      () => fresh.retrieve('a'),
      () => provider.check(),
      () => provider.store('a', recordOf()),
      () => provider.delete('a'),
      () => Array.fromAsync(provider.list()),
    ]) {
      const error = await failure(act(), 'PERMISSION_DENIED');
      expect(error.remedy).toBe(`Run: chmod 700 ${directory}`);
    }
    chmodSync(directory, 0o700);
    await fresh.retrieve('a');
    await provider.close();
    await fresh.close();
  });

  it('of a file are checked when it is read', async () => {
    const { directory, provider } = await opened(temporaryDirectory("it's here"));
    await provider.store('a', recordOf());
    chmodSync(join(directory, 'a.json'), 0o640);
    const error = await failure(provider.retrieve('a'), 'PERMISSION_DENIED');
    expect(error.message).toContain('its mode is 640, it must be 600');
    expect(error.remedy).toBe(`Run: chmod 600 '${directory.replace("'", "'\\''")}/a.json'`);
    await failure(provider.store('a', recordOf()), 'PERMISSION_DENIED');
    await provider.close();
  });

  it('of a foreign owner are refused', async () => {
    if (process.geteuid?.() !== 0) {
      // Only root can give a folder away: here the check is held to made-up facts.
      const { assertPrivate } = await import('../src/permissions.ts');
      const stats = { mode: 0o40700, uid: 4_242, isDirectory: () => true };
      expect(() => assertPrivate('/x', stats)).toThrow('belongs to user 4242');
      return;
    }
    const { directory, provider } = await opened();
    await provider.store('a', recordOf());
    chownSync(join(directory, 'a.json'), 4_242, 4_242);
    const file = await failure(provider.retrieve('a'), 'PERMISSION_DENIED');
    expect(file.remedy).toContain(`chown 0 ${directory}/a.json`);
    chownSync(directory, 4_242, 4_242);
    const folder = await failure(new LocalStorageProvider({ directory }).connect(), 'PERMISSION_DENIED');
    expect(folder.remedy).toContain(`chown 0 ${directory}`);
    await provider.close();
  });
});

describe('links', () => {
  it('in the place of credentials and scopes are not followed', async () => {
    const { directory, provider } = await opened();
    const elsewhere = join(directory, '..', 'elsewhere');
    mkdirSync(elsewhere, { mode: 0o700 });
    await provider.store('a', recordOf());
    const text = readFileSync(join(directory, 'a.json'), 'utf8');
    writeFileSync(join(elsewhere, 'b.json'), text, { mode: 0o600 });
    symlinkSync(join(elsewhere, 'b.json'), join(directory, 'b.json'));
    symlinkSync(join(elsewhere, 'nothing'), join(directory, 'c.json'));
    symlinkSync(elsewhere, join(directory, '@s'));
    for (const act of [
      () => provider.retrieve('b'),
      () => provider.store('b', recordOf()),
      () => provider.exists('c'),
      () => provider.store('c', recordOf()),
      () => provider.store('b', recordOf(), { scope: 's' }),
      () => provider.retrieve('b', { scope: 's' }),
      () => provider.exists('b', { scope: 's' }),
      () => provider.delete('b', { scope: 's' }),
      () => Array.fromAsync(provider.list({}, { scope: 's' })),
    ]) {
      await failure(act(), 'INVALID_STATE');
    }
    expect(readFileSync(join(elsewhere, 'b.json'), 'utf8')).toBe(text);
    expect(existsSync(join(elsewhere, 'nothing'))).toBe(false);
    // The link goes, what it points to stays.
    await provider.delete('b');
    expect(existsSync(join(elsewhere, 'b.json'))).toBe(true);
    await provider.close();
  });

  it('to the folder are resolved once, when it is opened', async () => {
    const real = temporaryDirectory();
    const other = temporaryDirectory();
    const link = temporaryDirectory('link');
    mkdirSync(real, { mode: 0o700 });
    mkdirSync(other, { mode: 0o700 });
    symlinkSync(real, link);
    const { provider } = await opened(link);
    await provider.store('a', recordOf());
    rmSync(link);
    symlinkSync(other, link);
    await provider.store('b', recordOf());
    expect(await Array.fromAsync(provider.list())).toEqual(['a', 'b']);
    expect(existsSync(join(real, 'b.json'))).toBe(true);
    await provider.close();
  });

  it('of other kinds are no files', async () => {
    const { directory, provider } = await opened();
    mkdirSync(join(directory, 'a.json'));
    await failure(provider.retrieve('a'), 'INVALID_STATE');
    await failure(provider.store('a', recordOf()), 'INVALID_STATE');
    await failure(provider.delete('a'), 'INVALID_STATE');
    await provider.close();
  });
});

describe('the folder', () => {
  it('is made with those above it, or not at all', async () => {
    const directory = join(temporaryDirectory(), 'one', 'two');
    const refusing = new LocalStorageProvider({ directory, create: false });
    await failure(refusing.connect(), 'INVALID_CONFIG');
    expect(existsSync(directory)).toBe(false);
    const { provider } = await opened(directory);
    expect(filesBelow(directory)).toEqual([]);
    await refusing.connect();
    await provider.close();
    await refusing.close();
  });

  it.each([
    ['is gone', 'kernel'],
    ['is gone', 'file'],
    ['was replaced', 'kernel'],
    ['was replaced', 'file'],
  ] as const)('that %s is no empty storage, %s locks', async (what, locking) => {
    const directory = temporaryDirectory();
    const provider = new LocalStorageProvider({ directory, locking });
    const untouched = new LocalStorageProvider({ directory, locking });
    await untouched.connect();
    await provider.store('a', recordOf());
    await provider.store('a', recordOf(), { scope: 's' });
    renameSync(directory, `${directory}-away`);
    if (what === 'was replaced') {
      mkdirSync(directory, { mode: 0o700 });
    }
    for (const act of [
      () => provider.retrieve('a'),
      () => provider.exists('a'),
      () => provider.exists('a', { scope: 's' }),
      () => provider.store('a', recordOf()),
      () => provider.store('b', recordOf()),
      () => provider.store('c', recordOf()),
      () => untouched.store('a', recordOf()),
      () => provider.delete('a'),
      () => provider.check(),
      () => Array.fromAsync(provider.list()),
      () => Array.fromAsync(provider.list({}, { scope: 's' })),
      () => Array.fromAsync(provider.scopes?.() ?? []),
    ]) {
      const error = await failure(act(), 'INVALID_CONFIG');
      expect(error.message).toContain(directory);
    }
    expect(existsSync(directory) && readdirSync(directory)).toEqual(what === 'was replaced' ? [] : false);
    rmSync(directory, { recursive: true, force: true });
    renameSync(`${directory}-away`, directory);
    expect(await provider.exists('a')).toBe(true);
    await untouched.store('a', recordOf());
    await provider.close();
    await untouched.close();
  });

  it.each(['kernel', 'file'] as const)('can lose its folder of %s locks', async (locking) => {
    const directory = temporaryDirectory();
    await using provider = new LocalStorageProvider({ directory, locking });
    await provider.store('a', recordOf());
    rmSync(join(directory, '.nebula-locks'), { recursive: true });
    await provider.store('a', recordOf());
    await provider.store('b', recordOf());
    expect(existsSync(join(directory, '.nebula-locks', locking))).toBe(true);
  });

  it('in whose place is a file is refused', async () => {
    const directory = temporaryDirectory();
    writeFileSync(directory, '', { mode: 0o600 });
    await failure(new LocalStorageProvider({ directory }).connect(), 'INVALID_STATE');
    await failure(new LocalStorageProvider({ directory: join(directory, 'x') }).connect(), 'INVALID_STATE');
  });
});

describe('interruption', () => {
  it('leaves no write behind that meets the next one', async () => {
    const { provider } = await opened();
    let last: EncryptedRecord = recordOf();
    await provider.store('a', last);
    for (let round = 0; round < 60; round += 1) {
      const controller = new AbortController();
      const cut = provider
        .store('a', recordOf(), {}, { signal: controller.signal })
        .catch((error: unknown) => hasCode(error, 'ABORTED') || Promise.reject(error));
      setTimeout(() => controller.abort(), (round % 12) / 4);
      await cut;
      last = recordOf();
      await provider.store('a', last);
      expect((await provider.retrieve('a')).record.writeId).toBe(last.writeId);
    }
    await provider.close();
  });

  it('of a lock whose reply was lost does not keep it', async () => {
    const directory = temporaryDirectory();
    const plan = scriptedFaults([
      { kind: 'reset-after', step: 'lock' },
      { kind: 'pass', step: 'lock' },
      { kind: 'silence', applied: true, step: 'lock' },
    ]);
    const driver = new LocalDriver({ directory, create: true, versions: 0, locking: 'kernel' });
    const provider = createProvider(injectFaults(driver, plan), { retry: { baseDelay: 1 } });
    const other = new LocalStorageProvider({ directory });
    await provider.store('a', recordOf());
    await failure(provider.store('a', recordOf(), {}, { timeout: 1_000 }), 'TIMEOUT');
    plan.assertUsed();
    await other.store('a', recordOf());
    await provider.store('a', recordOf());
    await provider.close();
    await other.close();
  });
});

import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';
import { CredentialError } from '@nebula/credential-core';
import { LocalStorageProvider } from '../src/provider.ts';
import { filesBelow, temporaryDirectories } from './directories.ts';
import { recordOf } from './records.ts';

const child = fileURLToPath(new URL('children/limited.ts', import.meta.url));
const kinds = ['kernel', 'file'] as const;
const mounted: string[] = [];

afterAll(() => {
  for (const path of mounted) {
    spawnSync('umount', [path]);
  }
});

/** A disk of its own in memory. undefined where mounting is not allowed, which in CI is a failure. */
function disk(options: string): string | undefined {
  const path = temporaryDirectory('disk');
  mkdirSync(path);
  const { status, stderr, error } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], {
    encoding: 'utf8',
  });
  if (status === 0) {
    mounted.push(path);
    return path;
  }
  const reason = `cannot mount a small disk, which takes root on Linux: ${error?.message ?? stderr}`;
  if (process.env['CI'] === 'true') {
    throw new Error(reason);
  }
  console.warn(`not tested: ${reason}`);
  return undefined;
}

// After the hook that unmounts: hooks run in the order in which they were made.
const temporaryDirectory = temporaryDirectories();

function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

async function failure(promise: Promise<unknown>): Promise<CredentialError> {
  const error = await promise.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof CredentialError)) {
    throw error;
  }
  return error;
}

describe.each(kinds)('a full disk, %s locks', (locking) => {
  it.each([0, 2])('keeps the old value and says so, with %d versions kept', async (versions) => {
    const mount = disk('size=512k');
    if (mount === undefined) {
      return;
    }
    const directory = join(mount, 'storage');
    await using provider = new LocalStorageProvider({ directory, locking, versions });
    const results = new Set<string>();
    // From nothing left to all that is needed, page by page: in between a write is cut short before it fails.
    for (let pages = 0; pages <= 20; pages += 1) {
      await provider.store('a', recordOf({ value: 'old' }, 30_000));
      const before = (await provider.retrieve('a')).record;
      const filler = join(mount, 'filler');
      writeFileSync(filler, Buffer.alloc(Math.max(0, freeBytes(mount) - pages * 4_096)));
      const record = recordOf({ value: 'new' }, 30_000);
      const result = await provider.store('a', record).catch((error: unknown) => error);
      if (result instanceof CredentialError) {
        expect(result).toMatchObject({ code: 'QUOTA_EXCEEDED', outcome: 'not-applied' });
        expect(result.message).toContain(directory);
        expect(result.remedy).toContain('Free space');
      }
      results.add(result instanceof CredentialError ? 'refused' : 'stored');
      const expected = result instanceof CredentialError ? before : record;
      expect((await provider.retrieve('a')).record).toEqual(expected);
      expect(filesBelow(directory).filter((name) => /\.[0-9a-f]{10}$/.test(name))).toEqual([]);
      rmSync(filler);
    }
    expect([...results].sort()).toEqual(['refused', 'stored']);
  });

  it('can be emptied', async () => {
    const mount = disk('size=256k');
    if (mount === undefined) {
      return;
    }
    await using provider = new LocalStorageProvider({ directory: join(mount, 'storage'), locking });
    await provider.store('a', recordOf({}, 30_000));
    writeFileSync(join(mount, 'filler'), Buffer.alloc(freeBytes(mount)));
    expect(await failure(provider.store('b', recordOf({}, 30_000)))).toMatchObject({
      code: 'QUOTA_EXCEEDED',
    });
    expect(await provider.exists('b')).toBe(false);
    await provider.delete('a');
    await provider.store('b', recordOf({}, 20_000));
  });
});

describe.each(kinds)('a read-only disk, %s locks', (locking) => {
  it('can be read, and refuses writes', async () => {
    const mount = disk('size=256k');
    if (mount === undefined) {
      return;
    }
    const directory = join(mount, 'storage');
    const writer = new LocalStorageProvider({ directory, locking });
    await writer.store('a', recordOf({ value: 'old' }));
    await writer.close();
    // What a killed writer left stays, and is no failure of who only reads.
    writeFileSync(join(directory, 'a.json.0123456789'), '');
    expect(spawnSync('mount', ['-o', 'remount,ro', mount], { encoding: 'utf8' }).stderr).toBe('');
    await using provider = new LocalStorageProvider({ directory, locking });
    await provider.connect();
    for (const act of [() => provider.store('a', recordOf()), () => provider.delete('a')]) {
      const error = await failure(act());
      expect(error).toMatchObject({ code: 'PERMISSION_DENIED', outcome: 'not-applied' });
      expect(error.message).toContain('read-only');
      expect(error.message).toContain(directory);
      expect(error.remedy).toContain('write access');
    }
    expect((await provider.retrieve('a')).metadata.tags).toEqual({ value: 'old' });
    expect(await Array.fromAsync(provider.list())).toEqual(['a']);
    await using absent = new LocalStorageProvider({ directory: join(mount, 'other'), locking });
    expect(await failure(absent.connect())).toMatchObject({ code: 'PERMISSION_DENIED' });
  });
});

describe.each(kinds)('a folder that may not be written, %s locks', (locking) => {
  it('can be read, and refuses writes', () => {
    // Root may write everywhere.
    const other = process.geteuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const directory = temporaryDirectory();
    const parent = dirname(directory);
    if (other.uid !== undefined) {
      chmodSync(parent, 0o755);
      mkdirSync(directory, { mode: 0o700 });
      chownSync(directory, other.uid, other.gid);
    }
    const run = (task: string) =>
      spawnSync(process.execPath, ['--no-warnings', child, task, directory, locking], {
        ...other,
        encoding: 'utf8',
      });
    expect(run('prepare').stderr).toBe('');
    chmodSync(directory, 0o500);
    chmodSync(join(directory, '.nebula-locks'), 0o500);
    const { stdout, stderr } = run('denied');
    chmodSync(directory, 0o700);
    expect(stderr).toBe('');
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ code: 'PERMISSION_DENIED', outcome: 'not-applied', after: 'old' });
    expect(result.message).toContain(directory);
    expect(result.remedy).toContain('write access');
  });
});

describe.each(kinds)('a process that may open no more files, %s locks', (locking) => {
  it('gets UNAVAILABLE or its will, and never a half', () => {
    const directory = temporaryDirectory();
    const script = 'ulimit -n 64; exec "$@"';
    const args = [
      '-c',
      script,
      'sh',
      process.execPath,
      '--no-warnings',
      child,
      'few-files',
      directory,
      locking,
    ];
    const { stdout, stderr } = spawnSync('sh', args, { encoding: 'utf8' });
    expect(stderr).toBe('');
    const results = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(results.map(({ spare }) => spare)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    for (const { code, remedy, outcome, value } of results) {
      if (code === 'stored') {
        expect(value).toBe('new');
      } else {
        expect({ code, outcome, value }).toEqual({
          code: 'UNAVAILABLE',
          outcome: 'not-applied',
          value: 'old',
        });
        expect(remedy).toContain('ulimit -n');
      }
    }
    expect(results[0]).toMatchObject({ code: 'UNAVAILABLE', reading: 'UNAVAILABLE' });
    expect(results.at(-1)).toMatchObject({ code: 'stored', reading: 'read' });
  });
});

import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { isLock, lockName, openLocks } from '../src/lock.ts';
import { LocalStorageProvider } from '../src/provider.ts';
import { filesBelow, temporaryDirectories } from './directories.ts';
import { recordOf } from './records.ts';

const temporaryDirectory = temporaryDirectories();
const temporary = '0123456789';

async function prepared(): Promise<{ directory: string; left: readonly string[] }> {
  const directory = temporaryDirectory();
  await using provider = new LocalStorageProvider({ directory, versions: 2, locking: 'kernel' });
  for (const id of ['a', 'gone']) {
    await provider.store(id, recordOf());
    await provider.store(id, recordOf());
    await provider.store(id, recordOf(), { scope: 's' });
  }
  const left = [
    `a.json.${temporary}`,
    `b.json.${temporary}`,
    `@s/a.json.${temporary}`,
    `.nebula-history/a.json/1.json.${temporary}`,
    '.nebula-locks.left/kernel',
  ];
  mkdirSync(join(directory, '.nebula-locks.left'));
  for (const path of left) {
    writeFileSync(join(directory, path), 'x', { mode: 0o600 });
  }
  rmSync(join(directory, 'gone.json'));
  return { directory, left: [...left, '.nebula-history/gone.json/1.json'] };
}

describe('leftovers of killed processes', () => {
  it('are gone after the next open, and nothing else is', async () => {
    const { directory, left } = await prepared();
    const foreign = ['notes.txt', `notes.txt.${temporary}`, 'a.json.bak', 'A.json'];
    for (const path of foreign) {
      writeFileSync(join(directory, path), 'x');
    }
    const before = filesBelow(directory);
    await using provider = new LocalStorageProvider({ directory, versions: 2 });
    await provider.connect();
    const inLocks = (path: string): boolean => path.startsWith('.nebula-locks/');
    expect(filesBelow(directory).filter((path) => !inLocks(path))).toEqual(
      before.filter((path) => !left.includes(path) && !inLocks(path)),
    );
    for (const path of foreign) {
      rmSync(join(directory, path));
    }
    expect(await Array.fromAsync(provider.list())).toEqual(['a']);
    expect(await Array.fromAsync(provider.scopes?.() ?? [])).toEqual(['s']);
  });

  it('stay while a writer has the lock of their credential', async () => {
    const { directory } = await prepared();
    const locks = await openLocks(join(directory, '.nebula-locks'), 'kernel');
    const lock = await locks.tryAcquire(lockName('/a.json'));
    await using provider = new LocalStorageProvider({ directory });
    await provider.connect();
    expect(filesBelow(directory)).toContain(`a.json.${temporary}`);
    if (isLock(lock)) {
      await lock.release();
    }
    await locks.close();
    await using later = new LocalStorageProvider({ directory });
    await later.connect();
    expect(filesBelow(directory)).not.toContain(`a.json.${temporary}`);
  });

  it('make no folder of locks where nothing was written', async () => {
    const directory = temporaryDirectory();
    await using provider = new LocalStorageProvider({ directory });
    await provider.connect();
    expect(await Array.fromAsync(provider.list())).toEqual([]);
    expect(filesBelow(directory)).toEqual([]);
  });
});

describe('a lock of a process that may live elsewhere', () => {
  it('is waited for, and then named', async () => {
    const directory = temporaryDirectory();
    await using provider = new LocalStorageProvider({ directory, locking: 'file' });
    await provider.store('a', recordOf());
    const lock = join(directory, '.nebula-locks', `${lockName('/a.json')}.lock`);
    const holder = { token: '0'.repeat(24), pid: 1, host: 'elsewhere' };
    writeFileSync(lock, JSON.stringify(holder), { mode: 0o600 });
    await expect(provider.store('a', recordOf(), {}, { timeout: 1_000 })).rejects.toMatchObject({
      code: 'INVALID_STATE',
      outcome: 'not-applied',
      message: expect.stringContaining('process 1 on host elsewhere'),
      remedy: `Make sure that the holder has ended, then remove the file ${lock}.`,
    });
    // Readers take no lock.
    expect(await provider.exists('a')).toBe(true);
    const stored = provider.store('a', recordOf());
    renameSync(lock, `${lock}.away`);
    await stored;
  });
});

import type { Dirent } from 'node:fs';
import { access, opendir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Exclusive } from './exclusive.ts';
import { lockKey, type StorageFolder } from './folder.ts';
import { LOCKS, scopeOfFolder, targetOfTemporary } from './naming.ts';

/** Milliseconds. What is not reached within them is left for another time. */
const BUDGET = 750;

/**
 * Removes what killed processes left: locks, temporary files, old versions of deleted credentials. A temporary file is
 * removed under the lock of its credential, so its writer is not at work; where the lock is taken it stays for another
 * time. Leftovers harm nobody and a reader may not be allowed to remove them, so no failure is reported.
 */
export async function sweep(folder: StorageFolder, exclusive: Exclusive): Promise<void> {
  const end = performance.now() + BUDGET;
  const inTime = (): boolean => performance.now() < end;
  try {
    // Who never wrote here left nothing, and opening the locks would make their folder.
    await access(folder.locks);
    await exclusive.sweep();
    const scopes = await sweepFolder(folder.path, '', exclusive, inTime);
    for (const scope of scopes) {
      await sweepFolder(join(folder.path, `@${scope}`), scope, exclusive, inTime);
    }
    await sweepHistory(folder.history, folder.path, '', exclusive, inTime);
  } catch {
    // See above.
  }
}

/** @returns the scopes whose folders it met. */
async function sweepFolder(
  directory: string,
  scope: string,
  exclusive: Exclusive,
  inTime: () => boolean,
): Promise<readonly string[]> {
  const scopes: string[] = [];
  for await (const entry of await opendir(directory, { bufferSize: 1_024 })) {
    const path = join(directory, entry.name);
    const target = targetOfTemporary(entry.name);
    if (!inTime()) {
      return [];
    }
    if (target !== undefined) {
      // By now its writer may have finished.
      await exclusive.tryRun(lockKey(scope, target), () => rm(path, { force: true }));
    } else if (entry.name.startsWith(`${LOCKS}.`)) {
      // Whoever is about to rename it makes another.
      await rm(path, { recursive: true, force: true });
    }
    const found = scopeOfFolder(entry.name);
    if (found !== undefined && entry.isDirectory()) {
      scopes.push(found);
    }
  }
  return scopes;
}

async function sweepHistory(
  history: string,
  directory: string,
  scope: string,
  exclusive: Exclusive,
  inTime: () => boolean,
): Promise<void> {
  for await (const entry of await opendir(history)) {
    const folder = join(history, entry.name);
    const found = scopeOfFolder(entry.name);
    if (!inTime()) {
      return;
    }
    if (found !== undefined) {
      await sweepHistory(folder, join(directory, entry.name), found, exclusive, inTime);
    } else if (await hasLeftover(folder, join(directory, entry.name))) {
      await exclusive.tryRun(lockKey(scope, entry.name), () =>
        removeLeftovers(folder, join(directory, entry.name)),
      );
    }
  }
}

async function hasLeftover(folder: string, credential: string): Promise<boolean> {
  return !(await exists(credential)) || (await leftovers(folder)).length > 0;
}

async function removeLeftovers(folder: string, credential: string): Promise<void> {
  if (!(await exists(credential))) {
    await rm(folder, { recursive: true });
  } else {
    await Promise.all((await leftovers(folder)).map(({ name }) => rm(join(folder, name))));
  }
}

async function leftovers(folder: string): Promise<readonly Dirent[]> {
  const found: Dirent[] = [];
  for await (const entry of await opendir(folder)) {
    if (targetOfTemporary(entry.name) !== undefined) {
      found.push(entry);
    }
  }
  return found;
}

/** Whatever cannot be told is taken for there. */
async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  );
}

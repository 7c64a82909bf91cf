import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ValidationError } from '@nebula/credential-core';
import type { Locking } from './config.ts';
import { hasErrno } from './errors.ts';
import { FileLocks } from './file-lock.ts';
import { type KernelLockFunctions, KernelLocks, loadKernelLocks } from './kernel-lock.ts';
import { DIRECTORY_MODE, FILE_MODE } from './permissions.ts';

/** A lock that is held. */
export interface Lock {
  release(): Promise<void>;
}

/** Somebody of whom it cannot be known whether he still runs holds a lock. */
export interface Obstacle {
  readonly file: string;
  /** Who, for people. */
  readonly holder: string;
}

/** Locks across processes. */
export interface Locks {
  /**
   * Takes the lock of this name if it is free. Never waits for another to release it.
   * @returns what holds it otherwise: an obstacle, or undefined where somebody works and will release it.
   */
  tryAcquire(name: string): Promise<Lock | Obstacle | undefined>;
  /** Removes what dead processes left. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

export function isLock(found: Lock | Obstacle | undefined): found is Lock {
  return found !== undefined && 'release' in found;
}

/**
 * A fixed number of locks, over which the credentials spread. So a lock file never has to be removed to keep their
 * number down, which could not be done without a race. Nobody takes two at a time, so nobody waits in a circle.
 */
const LOCK_COUNT = 64;

/** Name of the lock that a file's credential shares with some others. */
export function lockName(path: string): string {
  const hash = createHash('sha256').update(path).digest();
  return String(hash.readUInt32BE(0) % LOCK_COUNT).padStart(2, '0');
}

const KINDS = ['kernel', 'file'] as const;
type Kind = (typeof KINDS)[number];

/**
 * Opens the locks of a storage. Processes exclude one another only with locks of the same kind, so the first to come
 * writes the kind into the folder of locks, and all others keep to it.
 * @throws ValidationError INVALID_CONFIG; system errors
 */
export async function openLocks(folder: string, wanted: Locking): Promise<Locks> {
  const native = wanted === 'file' ? undefined : loadKernelLocks();
  const kind = await agreedKind(
    folder,
    wanted === 'auto' ? (native === undefined ? 'file' : 'kernel') : wanted,
  );
  checkLocking(kind, wanted, native);
  return kind === 'kernel' ? new KernelLocks(folder, native as KernelLockFunctions) : new FileLocks(folder);
}

/**
 * Tells early what {@link openLocks} will refuse of what is configured; makes nothing, so that a reader needs no right
 * to write.
 * @throws ValidationError INVALID_CONFIG; system errors
 */
export async function checkLocks(folder: string, wanted: Locking): Promise<void> {
  if (wanted === 'auto') {
    return;
  }
  const native = wanted === 'file' ? undefined : loadKernelLocks();
  checkLocking((await markedKind(folder)) ?? wanted, wanted, native);
}

function checkLocking(kind: Kind, wanted: Locking, native: KernelLockFunctions | undefined): void {
  if (wanted !== 'auto' && wanted !== kind) {
    throw refused(`is '${wanted}', but others use this directory with '${kind}'`);
  }
  if (kind === 'kernel' && native === undefined) {
    throw refused(
      wanted === 'kernel'
        ? "is 'kernel', but fs-native-extensions is not installed or has no build for this system"
        : "others use this directory with 'kernel', and fs-native-extensions is not installed here or has no build for this system",
    );
  }
}

function refused(message: string): ValidationError {
  return new ValidationError('INVALID_CONFIG', `locking: ${message}`, {
    issues: [{ path: 'locking', message }],
    remedy:
      'Use one kind in every process. To change it, stop all of them, remove the folder of locks (.nebula-locks), and start them with the other kind.',
  });
}

/** The kind that the folder of locks was made for; makes it for `kind` if there is none. */
async function agreedKind(folder: string, kind: Kind): Promise<Kind> {
  for (;;) {
    const found = await markedKind(folder);
    if (found !== undefined) {
      return found;
    }
    await makeFolder(folder, kind);
  }
}

async function markedKind(folder: string): Promise<Kind | undefined> {
  try {
    const names = await readdir(folder);
    return KINDS.find((kind) => names.includes(kind));
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) {
      return undefined;
    }
    throw error;
  }
}

/** The folder comes into being with the kind in it, by a rename that fails if another was faster. */
async function makeFolder(folder: string, kind: Kind): Promise<void> {
  const draft = `${folder}.${randomUUID()}`;
  try {
    await mkdir(draft, { mode: DIRECTORY_MODE });
    await writeFile(join(draft, kind), '', { mode: FILE_MODE });
    await rename(draft, folder);
  } catch (error) {
    // EPERM is what Windows says of a folder that is there. ENOENT: a sweep took the draft for a leftover.
    const lost = hasErrno(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT') || process.platform === 'win32';
    if (!lost || (await markedKind(folder)) === undefined) {
      throw error;
    }
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

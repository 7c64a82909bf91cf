import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StorageError } from '@nebula/credential-core';
import { damaged, MAX_FILE_BYTES } from './document.ts';
import { DIRECTORY_SYNC_FAILED, hasErrno } from './errors.ts';
import { assertPrivate, FILE_MODE } from './permissions.ts';

/** Windows has neither flag. NONBLOCK: a pipe in the place of a file must not hang the reader. */
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const READ_DIRECTORY = READ | (constants.O_DIRECTORY ?? 0);

/** What tells one state of a file from another. */
export interface FileSignature {
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

export interface FileContent {
  readonly text: string;
  readonly signature: FileSignature;
}

/**
 * Reads a whole file, which must be a regular one of this user alone. A writer replaces it by a rename, so what is read
 * is one state of it.
 * @returns undefined when there is none; whether its folder is there is the caller's to ask.
 * @throws StorageError INVALID_STATE for a link or anything else that is no file, PERMISSION_DENIED; CryptoError CORRUPTED
 */
export async function readFile(path: string): Promise<FileContent | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, READ);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) {
      return undefined;
    }
    // Linux and macOS say ELOOP of a link, FreeBSD EMLINK.
    throw hasErrno(error, 'ELOOP', 'EMLINK') ? linkRefused(path) : error;
  }
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) {
      throw notAFile(path);
    }
    assertPrivate(path, stats);
    if (stats.size > MAX_FILE_BYTES) {
      throw damaged(path, `has ${stats.size} bytes, more than any credential`);
    }
    const { ino, size, mtimeMs, ctimeMs } = stats;
    return { text: await readText(handle, size), signature: { ino, size, mtimeMs, ctimeMs } };
  } catch (error) {
    throw located(error, path);
  } finally {
    await handle.close();
  }
}

/** A file of known size is read in one call; `FileHandle.readFile` takes one more to find its end. */
async function readText(handle: FileHandle, size: number): Promise<string> {
  const buffer = Buffer.allocUnsafe(size);
  let filled = 0;
  while (filled < size) {
    const { bytesRead } = await handle.read(buffer, filled, size - filled, filled);
    if (bytesRead === 0) {
      break;
    }
    filled += bytesRead;
  }
  return buffer.toString('utf8', 0, filled);
}

/**
 * Writes a file so that after a crash it is there whole, or the old one is. The caller holds the credential's lock,
 * and has seen under it what the path holds: nothing, or a regular file.
 * @throws system errors
 */
export async function writeDurably(path: string, text: string): Promise<void> {
  // Before anything is written: a limit of open files must not be met between the rename and the sync.
  await using directory = await openDirectory(dirname(path));
  const temporary = `${path}.${randomBytes(5).toString('hex')}`;
  try {
    await writeSynced(temporary, text);
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw located(error, path);
  }
  await directory.sync();
}

/** A new file, on the disk when this returns. */
async function writeSynced(path: string, text: string): Promise<void> {
  await using handle = await open(path, 'wx', FILE_MODE);
  // Goes on after a short write, so that a full disk is an error and never a file that was cut.
  await handle.writeFile(text);
  await handle.sync();
}

/**
 * Removes a file for good; of an absent one it succeeds.
 * @throws system errors
 */
export async function removeDurably(path: string): Promise<void> {
  await using directory = await openDirectory(dirname(path));
  try {
    await unlink(path);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) {
      throw error;
    }
  }
  // Also of an absent one: an earlier attempt may have removed it and not come to this.
  await directory.sync();
}

/** Makes what happened in a folder outlive a crash. */
export async function syncDirectory(path: string): Promise<void> {
  await using directory = await openDirectory(path);
  await directory.sync();
}

async function openDirectory(path: string): Promise<AsyncDisposable & { sync(): Promise<void> }> {
  if (process.platform === 'win32') {
    // NTFS journals its folders; there is no handle to sync.
    return { sync: async () => {}, [Symbol.asyncDispose]: async () => {} };
  }
  const handle = await open(path, READ_DIRECTORY);
  return {
    sync: async () => {
      try {
        await handle.sync();
      } catch (cause) {
        throw Object.assign(new Error('directory sync failed', { cause }), {
          code: DIRECTORY_SYNC_FAILED,
          path,
        });
      }
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

/** Calls on an open file fail without saying which. */
function located(error: unknown, path: string): unknown {
  const isSystemError = typeof error === 'object' && error !== null && 'syscall' in error;
  return isSystemError && !('path' in error) ? Object.assign(error, { path }) : error;
}

function linkRefused(path: string): StorageError {
  return new StorageError('INVALID_STATE', `${path} is a symbolic link; links are not followed`, {
    remedy: `Put the file itself in the place of the link ${path}, or remove the link.`,
  });
}

function notAFile(path: string): StorageError {
  return new StorageError('INVALID_STATE', `${path} is not a regular file`, {
    remedy: 'Look at the path and move away what this library did not put there.',
  });
}

import * as fs from 'node:fs';
import { unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { StorageError } from '@nebula/credential-core';
import writeFileAtomic from 'write-file-atomic';
import { damaged, MAX_FILE_BYTES } from './document.ts';
import { DIRECTORY_SYNC_FAILED, hasErrno } from './errors.ts';
import type { Times } from './folder-state.ts';
import { assertPrivate, FILE_MODE } from './permissions.ts';

const { O_RDONLY, O_WRONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_DIRECTORY = 0 } = fs.constants;

/** Windows has none of these flags. NONBLOCK: a pipe in the place of a file must not hang the reader. */
const READ = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;

const open = promisify(fs.open);
const read = promisify(fs.read);
const writeFile = promisify(fs.writeFile);
const fsync = promisify(fs.fsync);

/** What tells one state of a file from another. */
export interface FileSignature extends Times {
  readonly ino: number;
  readonly size: number;
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
  using file = await openIfAny(path);
  if (file === undefined) {
    return undefined;
  }
  const stats = file.stat();
  if (!stats.isFile()) {
    throw notAFile(path);
  }
  assertPrivate(path, stats);
  if (stats.size > MAX_FILE_BYTES) {
    throw damaged(path, `has ${stats.size} bytes, more than any credential`);
  }
  const { ino, size, mtimeMs, ctimeMs } = stats;
  return { text: await file.read(size), signature: { ino, size, mtimeMs, ctimeMs } };
}

/**
 * Writes a file so that after a crash it is there whole, or the old one is. The caller holds the credential's lock,
 * and has seen under it what the path holds: nothing, or a regular file. So two containers that share a volume and a
 * process id, after which write-file-atomic names its temporary file, never meet on one.
 * @throws system errors
 */
export async function writeDurably(path: string, text: string): Promise<void> {
  // Before anything is written: a limit of open files must not be met between the rename and the sync.
  using directory = openDirectory(dirname(path));
  // No data: the hook writes it.
  await writeFileAtomic(path, undefined as never, {
    mode: FILE_MODE,
    // Else it copies owner and group of the old file. Its types do not know false.
    chown: false as never,
    // Awaited before it syncs and renames. Its own write takes a short one for done, so that on an almost full disk a
    // cut file would replace the old one; this one goes on until all is written, or throws.
    tmpfileCreated: ((temporary: string) => writeWhole(temporary, text)) as never,
  });
  await directory.sync();
}

async function writeWhole(path: string, text: string): Promise<void> {
  using file = OpenFile.openKnown(path, O_WRONLY | O_NOFOLLOW);
  await file.write(text);
}

/**
 * Removes a file for good; of an absent one it succeeds.
 * @throws system errors
 */
export async function removeDurably(path: string): Promise<void> {
  using directory = openDirectory(dirname(path));
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
  using directory = openDirectory(path);
  await directory.sync();
}

/**
 * An open file. Only what may have to wait for the disk goes through libuv's threads; each such trip costs more than
 * the rest of a call. Where a known file lies and what an open one is are in memory, and closing writes nothing.
 */
class OpenFile implements Disposable {
  readonly #path: string;
  readonly #fd: number;

  private constructor(path: string, fd: number) {
    this.#path = path;
    this.#fd = fd;
  }

  static async open(path: string, flags: number): Promise<OpenFile> {
    return new OpenFile(path, await open(path, flags));
  }

  /** Of a folder or file that this process has just worked with. */
  static openKnown(path: string, flags: number): OpenFile {
    return new OpenFile(path, fs.openSync(path, flags));
  }

  stat(): fs.Stats {
    return fs.fstatSync(this.#fd);
  }

  async read(size: number): Promise<string> {
    const buffer = Buffer.allocUnsafe(size);
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await this.#located(read(this.#fd, buffer, filled, size - filled, filled));
      if (bytesRead === 0) {
        break;
      }
      filled += bytesRead;
    }
    return buffer.toString('utf8', 0, filled);
  }

  /** Goes on after a short write, so that a full disk is an error and never a file that was cut. */
  async write(text: string): Promise<void> {
    await this.#located(writeFile(this.#fd, text));
  }

  async sync(): Promise<void> {
    await this.#located(fsync(this.#fd));
  }

  [Symbol.dispose](): void {
    fs.closeSync(this.#fd);
  }

  /** Calls on an open file fail without saying which. */
  async #located<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      throw Object.assign(error as Error, { path: this.#path });
    }
  }
}

async function openIfAny(path: string): Promise<OpenFile | undefined> {
  try {
    return await OpenFile.open(path, READ);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) {
      return undefined;
    }
    // Linux and macOS say ELOOP of a link, FreeBSD EMLINK.
    throw hasErrno(error, 'ELOOP', 'EMLINK') ? linkRefused(path) : error;
  }
}

function openDirectory(path: string): Disposable & { sync(): Promise<void> } {
  if (process.platform === 'win32') {
    // NTFS journals its folders; there is no handle to sync.
    return { sync: async () => {}, [Symbol.dispose]: () => {} };
  }
  const directory = OpenFile.openKnown(path, READ | O_DIRECTORY);
  return {
    sync: async () => {
      try {
        await directory.sync();
      } catch (cause) {
        throw Object.assign(new Error('directory sync failed', { cause }), {
          code: DIRECTORY_SYNC_FAILED,
          path,
        });
      }
    },
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
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

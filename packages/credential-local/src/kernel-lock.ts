import { constants, fstatSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Lock, Locks } from './lock.ts';
import { FILE_MODE } from './permissions.ts';

/** What is used of fs-native-extensions. */
export interface KernelLockFunctions {
  readonly tryLock: (fd: number) => boolean;
  readonly unlock: (fd: number) => void;
}

/** undefined where the optional package is not installed, or has no build for this system. */
export function loadKernelLocks(): KernelLockFunctions | undefined {
  try {
    return createRequire(import.meta.url)('fs-native-extensions') as KernelLockFunctions;
  } catch {
    return undefined;
  }
}

const OPEN = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);

/**
 * Locks that the kernel gives back when their holder ends, however it ends. On Linux they are fcntl's locks of open
 * file descriptions, on macOS flock's, on Windows LockFileEx: each belongs to the open file, so two providers in one
 * process exclude each other too. Lock files are never removed, and stay open until the provider is closed.
 */
export class KernelLocks implements Locks {
  readonly #folder: string;
  readonly #native: KernelLockFunctions;
  readonly #files = new Map<string, FileHandle>();
  /** The kernel would grant a file's lock again to who has it. */
  readonly #held = new Set<string>();

  constructor(folder: string, native: KernelLockFunctions) {
    this.#folder = folder;
    this.#native = native;
  }

  async tryAcquire(name: string): Promise<Lock | undefined> {
    if (this.#held.has(name)) {
      return undefined;
    }
    this.#held.add(name);
    let acquired = false;
    try {
      const { fd } = this.#files.get(name) ?? (await this.#open(name));
      // Never the waiting call: it would take a thread of libuv's few from everything else, and heed no signal.
      if (!this.#native.tryLock(fd)) {
        return undefined;
      }
      if (fstatSync(fd).nlink === 0) {
        // Somebody removed the folder of locks by hand; others open a new file by this name.
        await this.#close(name);
        return undefined;
      }
      acquired = true;
    } finally {
      if (!acquired) {
        this.#held.delete(name);
      }
    }
    return { release: async () => this.#release(name) };
  }

  async sweep(): Promise<void> {}

  async close(): Promise<void> {
    await Promise.all([...this.#files.keys()].map((name) => this.#close(name)));
  }

  #release(name: string): void {
    const file = this.#files.get(name);
    if (file !== undefined) {
      this.#native.unlock(file.fd);
    }
    this.#held.delete(name);
  }

  async #open(name: string): Promise<FileHandle> {
    const file = await open(join(this.#folder, name), OPEN, FILE_MODE);
    this.#files.set(name, file);
    return file;
  }

  async #close(name: string): Promise<void> {
    const file = this.#files.get(name);
    this.#files.delete(name);
    await file?.close();
  }
}

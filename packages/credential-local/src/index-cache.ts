import { lstat } from 'node:fs/promises';
import type { DriverEntry } from '@nebula/credential-core';
import { hasErrno } from './errors.ts';
import type { FileSignature } from './file.ts';
import { isSettled } from './folder-state.ts';

/** Credentials whose metadata is kept in memory. */
const CAPACITY = 100_000;

interface Kept {
  readonly entry: DriverEntry;
  /** State of the file it was read from. */
  readonly file: FileSignature;
  /** State of the folder in which the file was found so. */
  folder: string | undefined;
}

/**
 * What listings need of each file, kept in memory. The files are the truth: what is kept counts only while the folder
 * is unchanged since, or else while the file is.
 */
export class IndexCache {
  readonly #kept = new Map<string, Kept>();

  /** What is kept of a file, if it can be relied on without looking at the file. */
  peek(path: string, folder: string | undefined): DriverEntry | undefined {
    const kept = this.#kept.get(path);
    return kept !== undefined && folder !== undefined && kept.folder === folder ? kept.entry : undefined;
  }

  /** What is kept of a file, if the file is still as it was. */
  async find(path: string, folder: string | undefined): Promise<DriverEntry | undefined> {
    const kept = this.#kept.get(path);
    if (kept === undefined) {
      return undefined;
    }
    if (!(await isUnchanged(path, kept.file))) {
      this.#kept.delete(path);
      return undefined;
    }
    kept.folder = folder;
    return kept.entry;
  }

  /** @param readAt - when the file began to be read, in milliseconds since 1970. */
  keep(
    path: string,
    entry: DriverEntry,
    file: FileSignature,
    readAt: number,
    folder: string | undefined,
  ): void {
    if (!isSettled(file, readAt)) {
      return;
    }
    if (this.#kept.size === CAPACITY) {
      // Much of it may be of files that are gone.
      this.#kept.clear();
    }
    this.#kept.set(path, { entry, file, folder });
  }
}

async function isUnchanged(path: string, file: FileSignature): Promise<boolean> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await lstat(path);
    return ino === file.ino && size === file.size && mtimeMs === file.mtimeMs && ctimeMs === file.ctimeMs;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) {
      return false;
    }
    throw error;
  }
}

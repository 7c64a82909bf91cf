import type { Stats } from 'node:fs';
import { lstat, mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Scope, StorageError, type Target, ValidationError } from '@nebula/credential-core';
import { hasErrno } from './errors.ts';
import { syncDirectory } from './file.ts';
import { fileName, HISTORY, LOCKS, scopeFolder } from './naming.ts';
import { assertPrivate, DIRECTORY_MODE, restrictToUser } from './permissions.ts';

/** Where a credential lies. */
export interface Place {
  readonly target: Target;
  /** Of the credential's scope. */
  readonly directory: string;
  readonly name: string;
  readonly path: string;
  /** Folder of its old versions. */
  readonly history: string;
  /** What its lock is named after. */
  readonly lockKey: string;
}

/** Relative to the folder: one storage may be mounted under several paths. */
export function lockKey(scope: string | undefined, name: string): string {
  return `${scope ?? ''}/${name}`;
}

/** The folder of a storage. */
export class StorageFolder {
  readonly #configured: string;
  readonly #create: boolean;
  /** Links on the way to the folder are resolved once, when it is opened. */
  #opened: { readonly path: string; readonly dev: number; readonly ino: number } | undefined;

  /** @param directory - absolute. */
  constructor(directory: string, create: boolean) {
    this.#configured = directory;
    this.#create = create;
  }

  get path(): string {
    return this.#opened?.path ?? this.#configured;
  }

  get locks(): string {
    return join(this.path, LOCKS);
  }

  get history(): string {
    return join(this.path, HISTORY);
  }

  directoryOf(scope: Scope | undefined): string {
    return scope === undefined ? this.path : join(this.path, scopeFolder(scope));
  }

  place(target: Target): Place {
    const directory = this.directoryOf(target.scope);
    const name = fileName(target);
    const history = join(this.history, target.scope === undefined ? '' : scopeFolder(target.scope), name);
    return {
      target,
      directory,
      name,
      path: join(directory, name),
      history,
      lockKey: lockKey(target.scope, name),
    };
  }

  /**
   * Makes the folder if it is to be made, and checks who can open it.
   * @throws StorageError PERMISSION_DENIED, INVALID_STATE; ValidationError INVALID_CONFIG; system errors
   */
  async open(): Promise<void> {
    let stats = await statIfAny(this.#configured);
    if (stats === undefined) {
      if (!this.#create) {
        throw missing(this.#configured, 'does not exist', 'Create it, or leave create at true.');
      }
      await ensureFolders(this.#configured);
      if (process.platform === 'win32') {
        await restrictToUser(this.#configured);
      }
      stats = await stat(this.#configured);
    }
    const path = await realpath(this.#configured);
    assertFolder(path, stats);
    this.#opened = { path, dev: stats.dev, ino: stats.ino };
  }

  /**
   * Makes sure that the folder is still the one that was opened. Without it a disk that was unmounted would look like
   * a storage without credentials.
   * @throws StorageError PERMISSION_DENIED, INVALID_STATE; ValidationError INVALID_CONFIG; system errors
   */
  async verify(): Promise<void> {
    if (this.#opened === undefined) {
      return this.open();
    }
    const { path, dev, ino } = this.#opened;
    const stats = await lstatIfAny(path);
    if (stats === undefined) {
      throw missing(path, 'is gone', 'Bring it back, or mount its disk again.');
    }
    if (stats.dev !== dev || stats.ino !== ino) {
      throw missing(
        path,
        'is not the folder that was opened: it was replaced, or its disk was mounted or unmounted',
        'Bring it back, or make a new provider.',
      );
    }
    assertFolder(path, stats);
  }

  /**
   * Checks the folder of a scope, which a link must not lead elsewhere.
   * @returns false when there is none: nothing was ever stored in the scope.
   */
  async hasScope(scope: Scope | undefined): Promise<boolean> {
    if (scope === undefined) {
      return true;
    }
    const path = this.directoryOf(scope);
    const stats = await lstatIfAny(path);
    if (stats !== undefined) {
      assertFolder(path, stats);
    }
    return stats !== undefined;
  }

  /** Makes the folder of a scope if there is none. */
  async ensureScope(scope: Scope | undefined): Promise<void> {
    if (!(await this.hasScope(scope))) {
      await ensureSubfolder(this.directoryOf(scope));
    }
  }
}

/** Makes a folder in one that is there. Another process that makes it at the same time is no failure. */
export async function ensureSubfolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: DIRECTORY_MODE });
  } catch (error) {
    if (hasErrno(error, 'EEXIST')) {
      return;
    }
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Not by mkdir's own recursion, which reports a read-only disk as a missing folder. */
async function ensureFolders(path: string): Promise<void> {
  try {
    await ensureSubfolder(path);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT') || dirname(path) === path) {
      throw error;
    }
    await ensureFolders(dirname(path));
    await ensureSubfolder(path);
  }
}

function assertFolder(path: string, stats: Stats): void {
  if (!stats.isDirectory()) {
    throw new StorageError('INVALID_STATE', `${path} is not a folder`, {
      remedy: stats.isSymbolicLink()
        ? 'Put the folder itself in the place of the link: links inside the storage are not followed.'
        : 'Move away what is in its place.',
    });
  }
  assertPrivate(path, stats);
}

function missing(path: string, what: string, remedy: string): ValidationError {
  const message = `directory: ${path} ${what}`;
  return new ValidationError('INVALID_CONFIG', message, {
    issues: [{ path: 'directory', message: `${path} ${what}` }],
    remedy,
  });
}

function statIfAny(path: string): Promise<Stats | undefined> {
  return stat(path).catch(absent);
}

function lstatIfAny(path: string): Promise<Stats | undefined> {
  return lstat(path).catch(absent);
}

function absent(error: unknown): undefined {
  if (!hasErrno(error, 'ENOENT')) {
    throw error;
  }
}

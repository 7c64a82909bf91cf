import { randomBytes } from 'node:crypto';
import { link, open, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { StorageError } from '@nebula/credential-core';
import { hasErrno } from './errors.ts';
import { isLock, type Lock, type Locks, type Obstacle } from './lock.ts';
import { FILE_MODE } from './permissions.ts';
import { isProvablyDead, type ProcessIdentity, processIdentity } from './process-identity.ts';

/** What a lock file says of its holder. */
interface Holder extends ProcessIdentity {
  /** Random; one for each {@link FileLocks}. */
  readonly token: string;
}

/** Guards of guards that a sweep removes; more would take as many processes killed in the same few milliseconds. */
const DEEPEST_GUARD = 5;

/**
 * Locks for where the kernel's cannot be had. A lock is a file, and taking it is making a hard link of that name to
 * the holder's own file, which was written and synced before: so it is made by one of many at most, and is never seen
 * half-written.
 *
 * **A dead holder's lock** is removed under a lock of its own, the guard, which is named after the dead holder's
 * token. Whoever has the guard looks again whether the lock is still that holder's, and removes it if so. Why none can
 * remove the lock of a living holder: a lock of token t goes away only by its holder or under t's guard. While one has
 * the guard and its holder is dead, no one else can remove it, so what was looked at is what is removed; and a slow
 * waiter, who has seen t long ago and gets the guard after the lock has passed on, sees another token and leaves it
 * alone. A process that dies with a guard leaves a lock like any other, which is removed in the same way: under the
 * guard named after its own token, which no living process uses. Tokens are never used twice.
 */
export class FileLocks implements Locks {
  readonly #folder: string;
  readonly #token = randomBytes(12).toString('hex');
  #own: Promise<string> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async tryAcquire(name: string): Promise<Lock | Obstacle | undefined> {
    return this.#tryAcquire(join(this.#folder, `${name}.lock`));
  }

  async sweep(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      if (name.endsWith('.lock') || name.endsWith('.guard')) {
        // Where its guard was left too, and the guard's guard, the first try removes the last of them.
        for (let tries = 0; tries < DEEPEST_GUARD; tries += 1) {
          await this.#evictDead(path);
        }
      } else if (name.endsWith('.holder') && !(await this.#isNeeded(path))) {
        // Whose it was can hold no lock any more, and would make it anew if he lived: nothing can go wrong.
        await unlinkIfAny(path);
      }
    }
  }

  async close(): Promise<void> {
    const own = await this.#own?.catch(() => undefined);
    if (own !== undefined) {
      await unlinkIfAny(own);
    }
  }

  async #tryAcquire(path: string): Promise<Lock | Obstacle | undefined> {
    if (await this.#link(path)) {
      return { release: () => unlink(path) };
    }
    return this.#evictDead(path);
  }

  /** @returns whether the lock was free. */
  async #link(path: string): Promise<boolean> {
    const own = await this.#ownFile();
    try {
      await link(own, path);
      return true;
    } catch (error) {
      if (hasErrno(error, 'EEXIST')) {
        return false;
      }
      if (hasErrno(error, 'ENOENT')) {
        // A sweep took this holder for dead, or the folder is gone: the next try writes the file again.
        this.#own = undefined;
        return false;
      }
      throw hasErrno(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK') ? noLinks(this.#folder) : error;
    }
  }

  #ownFile(): Promise<string> {
    this.#own ??= this.#writeOwn().catch((error: unknown) => {
      this.#own = undefined;
      throw error;
    });
    return this.#own;
  }

  /** Removes the lock if its holder is dead; taking it is left to the next try. */
  async #evictDead(path: string): Promise<Obstacle | undefined> {
    const holder = await readHolder(path);
    if (holder === undefined || holder === 'unreadable') {
      return holder && { file: path, holder: 'an unknown process' };
    }
    if (!(await isProvablyDead(holder))) {
      const self = await processIdentity();
      return isComparable(holder, self) ? undefined : { file: path, holder: describe(holder) };
    }
    const guard = await this.#tryAcquire(join(this.#folder, `${holder.token}.guard`));
    if (!isLock(guard)) {
      return guard;
    }
    try {
      const now = await readHolder(path);
      if (now !== undefined && now !== 'unreadable' && now.token === holder.token) {
        await unlink(path);
      }
    } finally {
      await guard.release();
    }
    return undefined;
  }

  async #writeOwn(): Promise<string> {
    const holder: Holder = { token: this.#token, ...(await processIdentity()) };
    const path = join(this.#folder, `${this.#token}.holder`);
    await using file = await open(path, 'w', FILE_MODE);
    await file.writeFile(JSON.stringify(holder));
    // Else a lock that outlives a crash could be empty, and nobody's.
    await file.sync();
    return path;
  }

  async #isNeeded(path: string): Promise<boolean> {
    const holder = await readHolder(path);
    return holder !== 'unreadable' && holder !== undefined && !(await isProvablyDead(holder));
  }
}

/** @returns undefined when there is no such lock any more. */
async function readHolder(path: string): Promise<Holder | 'unreadable' | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) {
      return undefined;
    }
    throw error;
  }
  try {
    const holder = JSON.parse(text) as Holder;
    const whole = Number.isSafeInteger(holder.pid) && holder.pid > 0 && typeof holder.host === 'string';
    return whole && /^[0-9a-f]{24}$/.test(holder.token) ? holder : 'unreadable';
  } catch {
    return 'unreadable';
  }
}

/** Whether, while it lives, it will be known when it ends: the wait is then for work that is done. */
function isComparable(holder: Holder, self: ProcessIdentity): boolean {
  return holder.host === self.host && holder.pidNamespace === self.pidNamespace;
}

function describe({ pid, host, pidNamespace }: Holder): string {
  return `process ${pid} on host ${host}${pidNamespace === undefined ? '' : ` (${pidNamespace})`}`;
}

function noLinks(folder: string): StorageError {
  return new StorageError(
    'INVALID_STATE',
    `the file system of ${folder} does not let this process make hard links`,
    {
      remedy: "Keep the folder on a file system with hard links, or use locking: 'kernel'.",
    },
  );
}

async function unlinkIfAny(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) {
      throw error;
    }
  }
}

import { type Call, hasCode, StorageError } from '@nebula/credential-core';
import type { Locking } from './config.ts';
import { hasErrno } from './errors.ts';
import type { StorageFolder } from './folder.ts';
import { checkLocks, isLock, type Lock, type Locks, lockName, type Obstacle, openLocks } from './lock.ts';
import { TurnQueue } from './turn.ts';

/** Runs what changes a credential while nobody else does, in this process or another. */
export class Exclusive {
  readonly #folder: StorageFolder;
  readonly #locking: Locking;
  readonly #turns = new TurnQueue();
  readonly #ending = new Set<Promise<void>>();
  #locks: Promise<Locks> | undefined;

  constructor(folder: StorageFolder, locking: Locking) {
    this.#folder = folder;
    this.#locking = locking;
  }

  /** Whether the configuration fits the system and the other processes; takes no lock, makes no file. */
  check(): Promise<void> {
    return checkLocks(this.#folder.locks, this.#locking);
  }

  /**
   * Waits for the lock, runs `body`, and releases the lock when all that it started has ended. A file operation cannot
   * be recalled: one whose caller has given up goes on, and must not meet the next writer.
   * @param key - which lock; relative to the folder, so that it is the same wherever that is mounted.
   */
  async run<T>(call: Call, key: string, body: (work: Work) => Promise<T>): Promise<T> {
    const name = lockName(key);
    const pass = await this.#turns.take(name, call.signal);
    const work = new Work();
    let lock: Lock | undefined;
    try {
      const attempt = async (): Promise<Lock | Obstacle | undefined> => {
        const found = await this.#tryAcquire(name);
        if (isLock(found)) {
          // Kept where a repeat finds it: a lock whose reply was lost is ours all the same.
          lock = found;
        }
        return found;
      };
      await this.#wait(call, async () => lock ?? work.track(attempt()));
      return await body(work);
    } finally {
      const end = this.#end(work, () => lock, pass);
      // In the usual case nothing is left to wait for but the release itself.
      if (work.isBusy) {
        this.#ending.add(end);
        void end.finally(() => this.#ending.delete(end));
      } else {
        await end;
      }
    }
  }

  /** Like `run`, if the lock is free at once. Not through a Call: for clearing up, which nobody waits for. */
  async tryRun(key: string, body: () => Promise<void>): Promise<void> {
    const lock = await this.#tryAcquire(lockName(key));
    if (isLock(lock)) {
      try {
        await body();
      } finally {
        await lock.release();
      }
    }
  }

  async sweep(): Promise<void> {
    await (await this.#open()).sweep();
  }

  async close(): Promise<void> {
    await Promise.all(this.#ending);
    await (await this.#locks?.catch(() => undefined))?.close();
  }

  async #wait(call: Call, attempt: () => Promise<Lock | Obstacle | undefined>): Promise<void> {
    let obstacle: Obstacle | undefined;
    try {
      // Apart from each other, so that two who wait do not meet again and again.
      const interval = 1 + Math.random() * 4;
      await call.poll(
        'lock',
        async () => {
          const found = await attempt();
          obstacle = found === undefined || isLock(found) ? undefined : found;
          return isLock(found) ? true : undefined;
        },
        { interval },
      );
    } catch (error) {
      throw obstacle !== undefined && hasCode(error, 'TIMEOUT') ? blocked(obstacle, error) : error;
    }
  }

  async #tryAcquire(name: string): Promise<Lock | Obstacle | undefined> {
    try {
      return await (await this.#open()).tryAcquire(name);
    } catch (error) {
      if (!hasErrno(error, 'ENOENT')) {
        throw error;
      }
      // The storage is gone, or only its folder of locks, which the next try makes anew.
      await this.#folder.verify();
      const locks = await this.#locks?.catch(() => undefined);
      this.#locks = undefined;
      await locks?.close();
      return undefined;
    }
  }

  #open(): Promise<Locks> {
    this.#locks ??= this.#folder
      .verify()
      .then(() => openLocks(this.#folder.locks, this.#locking))
      .catch((error: unknown) => {
        this.#locks = undefined;
        throw error;
      });
    return this.#locks;
  }

  async #end(work: Work, lock: () => Lock | undefined, pass: () => void): Promise<void> {
    try {
      await work.idle();
      await lock()?.release();
    } catch {
      // What was to be done under the lock is done. A kernel lock ends with its file, a lock file with this process.
    } finally {
      pass();
    }
  }
}

/** What was started under a lock and may not have ended. */
export class Work {
  readonly #running = new Set<Promise<unknown>>();

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  async track<T>(task: Promise<T>): Promise<T> {
    this.#running.add(task);
    try {
      return await task;
    } finally {
      this.#running.delete(task);
    }
  }

  /**
   * Waits until nothing is under way.
   * @throws the signal's reason
   */
  async idle(signal?: AbortSignal): Promise<void> {
    while (this.isBusy) {
      await Promise.race([Promise.allSettled(this.#running), ...(signal ? [aborted(signal)] : [])]);
    }
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const reason = (): void => reject(signal.reason);
    if (signal.aborted) {
      reason();
    }
    signal.addEventListener('abort', reason, { once: true });
  });
}

function blocked({ file, holder }: Obstacle, cause: unknown): StorageError {
  return new StorageError(
    'INVALID_STATE',
    `the lock ${file} is held by ${holder}, of which this process cannot know whether it still runs`,
    {
      remedy: `Make sure that the holder has ended, then remove the file ${file}.`,
      outcome: 'not-applied',
      cause,
    },
  );
}

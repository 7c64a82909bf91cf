import { StorageError } from './errors.ts';

/**
 * The end of an operation: its deadline or the caller's signal, whichever comes first. `signal` aborts then, with the
 * StorageError (TIMEOUT or ABORTED) as its reason.
 */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #end: number;
  readonly #timer: NodeJS.Timeout;
  readonly #caller: AbortSignal | undefined;
  readonly #onAbort = (): void => {
    this.#controller.abort(
      new StorageError('ABORTED', 'the caller aborted the operation', { cause: this.#caller?.reason }),
    );
  };

  constructor(timeoutMs: number, caller?: AbortSignal) {
    this.#end = performance.now() + timeoutMs;
    this.#caller = caller;
    this.#timer = setTimeout(() => {
      this.#controller.abort(timeoutError(timeoutMs));
    }, timeoutMs);
    if (caller?.aborted) {
      this.#onAbort();
    } else {
      caller?.addEventListener('abort', this.#onAbort, { once: true });
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Milliseconds left, never negative. */
  remaining(): number {
    return this.signal.aborted ? 0 : Math.max(0, this.#end - performance.now());
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener('abort', this.#onAbort);
  }
}

/** Says which budget ran out. */
export function timeoutError(timeoutMs: number, step?: string): StorageError {
  return new StorageError('TIMEOUT', `no answer within ${timeoutMs} ms`, {
    timeoutMs,
    ...(step !== undefined && { step }),
  });
}

/**
 * Runs `body`, and rejects with the signal's reason as soon as it aborts, whether `body` heeds it or not. What `body`
 * does after that is lost.
 */
export async function raceSignal<T>(signal: AbortSignal, body: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([body(), aborted]);
  } finally {
    if (onAbort !== undefined) {
      signal.removeEventListener('abort', onAbort);
    }
  }
}

/** Waits, and rejects with the signal's reason as soon as it aborts. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  return raceSignal(
    signal,
    () =>
      new Promise<void>((resolve) => {
        timer = setTimeout(resolve, ms);
      }),
  ).finally(() => clearTimeout(timer));
}

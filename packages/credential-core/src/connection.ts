import { classifyFailure } from './classification.ts';
import { Deadline, raceSignal } from './deadline.ts';
import type { Driver } from './driver.ts';
import { annotate, CredentialError, copyForCaller, StorageError } from './errors.ts';
import type { Pipeline } from './pipeline.ts';
import type { CallOptions, ProviderState } from './provider.ts';

/** `connect()` takes at most this long, in milliseconds. */
const CONNECT_TIMEOUT = 2_000;

/** The lifecycle of a provider: one connect however many wait for it, and a close that lets running work end. */
export class Connection {
  readonly #driver: Driver;
  readonly #pipeline: Pipeline;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  #connecting: Promise<void> | undefined;
  #connected = false;
  #closed: Promise<void> | undefined;

  constructor(driver: Driver, pipeline: Pipeline) {
    this.#driver = driver;
    this.#pipeline = pipeline;
  }

  get state(): ProviderState {
    if (this.#closed !== undefined) {
      return 'closed';
    }
    if (this.#connected) {
      return 'connected';
    }
    return this.#connecting === undefined ? 'configured' : 'connecting';
  }

  async connect({ signal, timeout = CONNECT_TIMEOUT }: CallOptions = {}): Promise<void> {
    using deadline = new Deadline(Math.min(timeout, CONNECT_TIMEOUT), signal);
    try {
      await this.use(() => this.ready(deadline.signal));
    } catch (error) {
      throw error instanceof CredentialError
        ? annotate(error, { provider: this.#driver.name, operation: 'connect' })
        : error;
    }
  }

  /**
   * Waits for the connection and makes it if need be. It is shared: a signal ends the wait of one caller, not the
   * connecting.
   */
  async ready(signal: AbortSignal): Promise<void> {
    if (this.#connected) {
      return;
    }
    signal.throwIfAborted();
    const shared = this.#shared().catch((error: unknown) => {
      throw error instanceof CredentialError ? copyForCaller(error) : error;
    });
    await raceSignal(signal, () => shared);
  }

  /** Runs one piece of work that `close` waits for. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    this.#assertOpen();
    const running = work();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Connects, and passes a stream on until the caller's signal or `close` ends it. */
  async *stream<T>(
    signal: AbortSignal | undefined,
    open: (ended: AbortSignal) => AsyncIterable<T>,
  ): AsyncIterable<T> {
    const stop = new AbortController();
    const end = (): void => stop.abort();
    const ended = AbortSignal.any([stop.signal, this.#closing.signal]);
    // Not through AbortSignal.any: that takes no signal of another realm.
    signal?.addEventListener('abort', end, { once: true });
    let iterator: AsyncIterator<T> | undefined;
    try {
      this.#assertOpen();
      if (signal?.aborted) {
        stop.abort();
      }
      await this.ready(ended);
      iterator = open(ended)[Symbol.asyncIterator]();
      for (;;) {
        const next = await raceSignal(ended, () => (iterator as AsyncIterator<T>).next());
        if (next.done) {
          return;
        }
        yield next.value;
      }
    } catch (error) {
      throw annotate(this.#streamFailure(error, signal), {
        provider: this.#driver.name,
        operation: 'watch',
      });
    } finally {
      stop.abort();
      signal?.removeEventListener('abort', end);
      // Not awaited: a driver that does not heed the signal must not hold the caller.
      iterator?.return?.().catch(() => undefined);
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([...this.#running, this.#connecting]);
    try {
      await this.#driver.close?.();
    } catch (thrown) {
      const { error } = classifyFailure(this.#driver, thrown, 'close');
      throw annotate(error, { provider: this.#driver.name, operation: 'close' });
    }
  }

  #shared(): Promise<void> {
    this.#connecting ??= this.#pipeline
      .run({ name: 'connect', kind: 'read', timeout: CONNECT_TIMEOUT }, async (call) =>
        this.#driver.connect?.(call),
      )
      .then(() => {
        this.#connected = true;
      })
      .finally(() => {
        this.#connecting = undefined;
      });
    return this.#connecting;
  }

  #streamFailure(thrown: unknown, signal: AbortSignal | undefined): CredentialError {
    if (this.#closed !== undefined) {
      return this.#closedError();
    }
    return signal?.aborted
      ? new StorageError('ABORTED', 'the caller ended the watch', { cause: signal.reason })
      : classifyFailure(this.#driver, thrown, 'watch').error;
  }

  #closedError(): StorageError {
    return new StorageError('CLOSED', 'the provider was closed', { provider: this.#driver.name });
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) {
      throw this.#closedError();
    }
  }
}

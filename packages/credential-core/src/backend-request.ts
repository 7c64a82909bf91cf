import type { CallState } from './call.ts';
import { classifyFailure, type Failure } from './classification.ts';
import { raceSignal, sleep, timeoutError } from './deadline.ts';
import { trace } from './diagnostics.ts';
import type { Reconcile, Repair, RequestOptions } from './driver.ts';
import { annotate, type CredentialError, hasCode, StorageError } from './errors.ts';
import { backoffDelay } from './retry.ts';

interface FailedAttempt extends Failure {
  /** As the SDK threw it. */
  readonly thrown: unknown;
}

/** One backend request with all its attempts. */
export class BackendRequest<T> {
  readonly #state: CallState;
  readonly #step: string;
  readonly #attempt: (signal: AbortSignal) => Promise<T>;
  readonly #commit: RequestOptions<T>['commit'];
  /** Repeats that the retry policy was charged for. */
  #retries = 0;
  #failed: FailedAttempt | undefined;
  /** Whether a write was sent whose effect is not known. Stays: it may still arrive after a look found nothing. */
  #replyLost = false;

  constructor(
    state: CallState,
    step: string,
    attempt: (signal: AbortSignal) => Promise<T>,
    commit: RequestOptions<T>['commit'],
  ) {
    this.#state = state;
    this.#step = step;
    this.#attempt = attempt;
    this.#commit = commit;
  }

  /**
   * Sends the request; after a lost reply asks first whether that is still needed. Throws only errors of this library.
   * @param number - 1 is the first.
   */
  async attempt(number: number): Promise<T> {
    const reconcile = this.#reconcile;
    if (this.#failed?.outcome === 'unknown' && reconcile !== undefined) {
      const found = await this.#ask(reconcile);
      if (found !== undefined) {
        return found.result;
      }
    }
    const { deadline, event, limit } = this.#state;
    return limit.run(deadline.signal, () => {
      deadline.signal.throwIfAborted();
      return trace({ ...event, step: this.#step, attempt: number }, () => this.#send(number));
    });
  }

  /** Whether the request is to be repeated; mends and waits before it says yes. */
  async prepareRepeat(takeRepair: () => Repair | undefined): Promise<boolean> {
    const { deadline, retry, budget } = this.#state;
    const failed = this.#failed;
    if (failed === undefined || deadline.signal.aborted) {
      return false;
    }
    if (!(await this.#mended(failed, takeRepair()))) {
      const { error } = failed;
      if (!(error instanceof StorageError) || !error.retryable || this.#retries >= retry.maxRetries) {
        return false;
      }
      const delay = Math.max(backoffDelay(retry, this.#retries), error.retryAfterMs ?? 0);
      // A wait that outlasts the deadline would only turn this failure into a less telling TIMEOUT.
      if (delay >= deadline.remaining() || !budget.take()) {
        return false;
      }
      this.#retries += 1;
      await sleep(delay, deadline.signal);
    }
    this.#state.repeats += 1;
    return true;
  }

  /**
   * The end of a request that failed for good. After a lost reply even a refusal may be the echo of our own write
   * (CONFLICT, ALREADY_EXISTS), so the backend is asked once more.
   */
  async settle(error: CredentialError): Promise<T> {
    const { deadline } = this.#state;
    const reconcile = this.#reconcile;
    if (deadline.signal.aborted) {
      const failure = this.#failed?.error;
      throw annotate(error, { step: this.#step, cause: failure === error ? undefined : failure });
    }
    if (this.#replyLost && reconcile !== undefined && !hasCode(error, 'OUTCOME_UNKNOWN')) {
      const found = await this.#ask(reconcile);
      if (found !== undefined) {
        return found.result;
      }
      if (hasCode(error, 'CONFLICT', 'ALREADY_EXISTS')) {
        // The condition has failed for good, so an attempt of ours that arrives late fails as well.
        this.#state.outcome = 'not-applied';
      }
    }
    throw this.#beyondDeadline(error);
  }

  get #reconcile(): Reconcile<T> | undefined {
    return typeof this.#commit === 'function' ? this.#commit : undefined;
  }

  async #send(number: number): Promise<T> {
    const { event, metrics, budget } = this.#state;
    const started = performance.now();
    const measure = (code?: CredentialError['code']): void =>
      metrics.request(event.operation, this.#step, performance.now() - started, code, number > 1);
    const outcomeBefore = this.#state.outcome;
    this.#state.attempts += 1;
    if (this.#commit !== undefined) {
      this.#state.outcome = 'unknown';
    }
    try {
      const result = await this.#bounded();
      measure();
      budget.refill();
      return result;
    } catch (thrown) {
      const failed = this.#failure(thrown);
      measure(failed.error.code);
      if (this.#commit !== undefined) {
        this.#replyLost ||= failed.outcome === 'unknown';
        this.#state.outcome = this.#replyLost ? 'unknown' : outcomeBefore;
      }
      this.#failed = failed;
      throw failed.error;
    }
  }

  async #bounded(): Promise<T> {
    const { deadline, attemptTimeout } = this.#state;
    const controller = new AbortController();
    const { signal } = controller;
    const end = (): void => controller.abort(deadline.signal.reason);
    const timer = setTimeout(
      () => controller.abort(timeoutError(attemptTimeout, this.#step)),
      attemptTimeout,
    );
    deadline.signal.addEventListener('abort', end, { once: true });
    try {
      return await raceSignal(signal, () => this.#attempt(signal));
    } catch (error) {
      // An SDK that heeds the signal throws an error of its own making; ours says why.
      throw signal.aborted ? signal.reason : error;
    } finally {
      clearTimeout(timer);
      deadline.signal.removeEventListener('abort', end);
    }
  }

  #failure(thrown: unknown): FailedAttempt {
    const cut = hasCode(thrown, 'TIMEOUT', 'ABORTED') && thrown.outcome === undefined;
    return cut
      ? { thrown, error: thrown, outcome: 'unknown' }
      : { thrown, ...classifyFailure(this.#state.driver, thrown, this.#step) };
  }

  async #mended(failed: FailedAttempt, repair: Repair | undefined): Promise<boolean> {
    const { deadline, driver } = this.#state;
    if (repair === undefined) {
      return false;
    }
    try {
      return await raceSignal(deadline.signal, () => repair(failed.thrown, deadline.signal));
    } catch (error) {
      throw classifyFailure(driver, error, this.#step).error;
    }
  }

  /**
   * Asks the backend whether the write whose reply was lost took effect.
   * @returns its result; undefined when it did not.
   * @throws StorageError OUTCOME_UNKNOWN when that cannot be known.
   */
  async #ask(reconcile: Reconcile<T>): Promise<{ readonly result: T } | undefined> {
    const { deadline } = this.#state;
    const lost = this.#failed?.error;
    // What fails from here on is not to be repeated as if it were the write.
    this.#failed = undefined;
    const found = await reconcile().catch((error: unknown) => {
      throw deadline.signal.aborted ? deadline.signal.reason : this.#outcomeUnknown(error);
    });
    if (found.state === 'unknown') {
      throw this.#outcomeUnknown(lost);
    }
    return found.state === 'applied' ? { result: found.result } : undefined;
  }

  #outcomeUnknown(cause: unknown): StorageError {
    return new StorageError(
      'OUTCOME_UNKNOWN',
      'a write was sent and its reply was lost; it may have happened',
      {
        step: this.#step,
        outcome: 'unknown',
        cause,
      },
    );
  }

  /** A backend that asks for more patience than the deadline has left is limiting us, whatever it called it. */
  #beyondDeadline(error: CredentialError): CredentialError {
    const retryAfterMs = error instanceof StorageError ? error.retryAfterMs : undefined;
    const { deadline } = this.#state;
    return hasCode(error, 'UNAVAILABLE') && retryAfterMs !== undefined && retryAfterMs >= deadline.remaining()
      ? new StorageError(
          'RATE_LIMITED',
          'the backend asks to be called again later than the deadline allows',
          {
            step: this.#step,
            retryAfterMs,
            cause: error,
          },
        )
      : error;
  }
}

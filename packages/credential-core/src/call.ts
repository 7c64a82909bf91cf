import pRetry from 'p-retry';
import { BackendRequest } from './backend-request.ts';
import type { ConcurrencyLimit } from './concurrency.ts';
import { type Deadline, sleep } from './deadline.ts';
import type { TraceEvent } from './diagnostics.ts';
import type { Call, Driver, PollOptions, Repair, RequestOptions } from './driver.ts';
import type { CredentialError, WriteOutcome } from './errors.ts';
import type { MetricsRecorder } from './metrics.ts';
import type { RetryBudget, RetryPolicy } from './retry.ts';

/** What the requests of one operation share. */
export interface CallState {
  readonly driver: Driver;
  readonly deadline: Deadline;
  readonly event: TraceEvent;
  /** Milliseconds. */
  readonly attemptTimeout: number;
  readonly retry: RetryPolicy;
  readonly budget: RetryBudget;
  readonly limit: ConcurrencyLimit;
  readonly metrics: MetricsRecorder;
  /** Requests sent so far, repeats included. */
  attempts: number;
  /** How many of them were repeats. */
  repeats: number;
  /** Whether a write of this operation may have taken effect. */
  outcome: WriteOutcome;
}

/** The pipeline's {@link Call}: one owner of timeouts, retries, reconciliation, measurement and tracing. */
export class OperationCall implements Call {
  readonly #state: CallState;
  /** Taken by the first request that fails. */
  #repair: Repair | undefined;

  constructor(state: CallState, repair?: Repair) {
    this.#state = state;
    this.#repair = repair;
  }

  get operation(): string {
    return this.#state.event.operation;
  }

  get signal(): AbortSignal {
    return this.#state.deadline.signal;
  }

  remaining(): number {
    return this.#state.deadline.remaining();
  }

  once(repair: Repair): Call {
    return new OperationCall(this.#state, repair);
  }

  async poll<T>(
    step: string,
    attempt: (signal: AbortSignal) => Promise<T | undefined>,
    { interval = 500 }: PollOptions = {},
  ): Promise<T> {
    for (;;) {
      const found = await this.request(step, attempt);
      if (found !== undefined) {
        return found;
      }
      await sleep(interval, this.signal);
    }
  }

  async request<T>(
    step: string,
    attempt: (signal: AbortSignal) => Promise<T>,
    options: RequestOptions<T> = {},
  ): Promise<T> {
    const request = new BackendRequest(this.#state, step, attempt, options.commit);
    const takeRepair = (): Repair | undefined => {
      const repair = this.#repair;
      this.#repair = undefined;
      return repair;
    };
    try {
      return await pRetry((number) => request.attempt(number), {
        // One more than the policy allows: a repair's repeat is no retry. prepareRepeat holds to the policy.
        retries: this.#state.retry.maxRetries + 1,
        minTimeout: 0,
        shouldRetry: () => request.prepareRepeat(takeRepair),
      });
    } catch (error) {
      return request.settle(error as CredentialError);
    }
  }
}

import * as v from 'valibot';
import { integerSchema, optionsSchema, shapeOf } from './validation.ts';

/** How often and how patiently a backend request is repeated. */
export interface RetryPolicy {
  /** Repeats after the first attempt, 0 to 20. Default 5. */
  readonly maxRetries: number;
  /** Milliseconds before the first repeat, 0 to 60,000. Default 100. */
  readonly baseDelay: number;
  /** Growth of the delay per repeat, 1 to 10. Default 2. */
  readonly multiplier: number;
  /** Longest delay in milliseconds, 0 to 60,000. Default 30,000. */
  readonly maxDelay: number;
  /** `full`: a uniformly random part of the delay; `none`: the delay itself. Default `full`. */
  readonly jitter: 'full' | 'none';
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  maxRetries: 5,
  baseDelay: 100,
  multiplier: 2,
  maxDelay: 30_000,
  jitter: 'full',
};

const numberSchema = (min: number, max: number): v.GenericSchema<number, number> => {
  const message = (issue: v.BaseIssue<unknown>): string =>
    `must be a number from ${min} to ${max}, got ${shapeOf(issue.input)}`;
  return v.pipe(v.number(message), v.finite(message), v.minValue(min, message), v.maxValue(max, message));
};

/** Schema of a partial {@link RetryPolicy}; what is not given is the default. */
export const retryPolicySchema: v.GenericSchema<Partial<RetryPolicy>, RetryPolicy> = optionsSchema({
  maxRetries: v.optional(integerSchema(0, 20, 'repeats'), DEFAULT_RETRY_POLICY.maxRetries),
  baseDelay: v.optional(integerSchema(0, 60_000, 'milliseconds'), DEFAULT_RETRY_POLICY.baseDelay),
  multiplier: v.optional(numberSchema(1, 10), DEFAULT_RETRY_POLICY.multiplier),
  maxDelay: v.optional(integerSchema(0, 60_000, 'milliseconds'), DEFAULT_RETRY_POLICY.maxDelay),
  jitter: v.optional(
    v.picklist(['full', 'none'], (issue) => `must be 'full' or 'none', got ${shapeOf(issue.input)}`),
    DEFAULT_RETRY_POLICY.jitter,
  ),
}) as never;

/**
 * Milliseconds to wait before the given repeat (0 is the first).
 * @param random - uniform in [0, 1).
 */
export function backoffDelay(
  policy: RetryPolicy,
  repeat: number,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(policy.maxDelay, policy.baseDelay * policy.multiplier ** repeat);
  return policy.jitter === 'full' ? random() * ceiling : ceiling;
}

/**
 * Reads a Retry-After header: seconds, or an HTTP date (RFC 9110, section 10.2.3).
 * @param now - milliseconds since the epoch, to reckon a date from.
 * @returns milliseconds to wait, never negative; undefined for anything that is neither.
 */
export function parseRetryAfter(
  value: string | null | undefined,
  now: number = Date.now(),
): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d+$/.test(text)) {
    return Number(text) * 1_000;
  }
  // Date.parse takes much that is no HTTP date ("1.5", "-3"): all three forms of one begin with a day's name.
  const date = /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/**
 * Keeps retries from multiplying the load on a backend that is down: a retry takes a token, a success gives one back.
 * While most requests succeed it never runs out; when all fail, the retries of all operations together are at most
 * its size.
 */
export class RetryBudget {
  readonly #size: number;
  #tokens: number;

  constructor(size = 500) {
    this.#size = size;
    this.#tokens = size;
  }

  /** Takes a token for one retry; false when there is none. */
  take(): boolean {
    if (this.#tokens < 1) {
      return false;
    }
    this.#tokens -= 1;
    return true;
  }

  /** Gives one back, after a request that succeeded. */
  refill(): void {
    this.#tokens = Math.min(this.#size, this.#tokens + 1);
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Classification, WriteOutcome } from '@nebula/credential-core';

/** What can go wrong with one attempt of one backend request. */
export type Fault =
  /** The connection fails before the request is sent. `outcome` is what the client can know of it; default `unknown`. */
  | { readonly kind: 'reset-before'; readonly outcome?: WriteOutcome }
  /** The request is carried out and its reply is lost, be it a success or a refusal. */
  | { readonly kind: 'reset-after' }
  /** The backend answers 429, with a Retry-After if one is given; nothing is carried out. */
  | { readonly kind: 'throttle'; readonly retryAfterMs?: number }
  /** The backend answers 503; nothing is carried out. */
  | { readonly kind: 'unavailable' }
  /** The backend refuses with 403; nothing is carried out, and nothing is repeated. */
  | { readonly kind: 'deny' }
  /** The request is carried out after so many milliseconds. */
  | { readonly kind: 'latency'; readonly ms: number }
  /** No answer comes; the request is carried out nevertheless if `applied`, default not. */
  | { readonly kind: 'silence'; readonly applied?: boolean };

/** What an attempt throws that a fault befell. */
export class InjectedFault extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(`injected: ${fault.kind}`);
    this.name = 'InjectedFault';
    this.fault = fault;
  }
}

/** What an {@link InjectedFault} means to the pipeline. */
export function classifyFault({ fault, message }: InjectedFault): Classification {
  switch (fault.kind) {
    case 'throttle':
      return { code: 'RATE_LIMITED', message, retryAfterMs: fault.retryAfterMs };
    case 'deny':
      return { code: 'PERMISSION_DENIED', message };
    case 'reset-before':
      return { code: 'UNAVAILABLE', message, outcome: fault.outcome };
    default:
      return { code: 'UNAVAILABLE', message };
  }
}

/** Runs an attempt with a fault, or without. */
export async function suffer<T>(
  fault: Fault | undefined,
  attempt: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  if (fault === undefined) {
    return attempt(signal);
  }
  switch (fault.kind) {
    case 'latency':
      await sleep(fault.ms, undefined, { signal });
      return attempt(signal);
    case 'silence':
      if (fault.applied) {
        await attempt(signal).catch(() => undefined);
      }
      return silence(signal);
    case 'reset-after':
      await attempt(signal).catch(() => undefined);
      throw new InjectedFault(fault);
    default:
      throw new InjectedFault(fault);
  }
}

function silence(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const end = (): void => reject(signal.reason);
    if (signal.aborted) {
      end();
    }
    signal.addEventListener('abort', end, { once: true });
  });
}

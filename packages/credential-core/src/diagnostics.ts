import { tracingChannel } from 'node:diagnostics_channel';
import { CredentialError, type CredentialErrorCode } from './errors.ts';

/**
 * What the tracing channel `nebula.credential` carries: one event per operation, and within it one per attempt of
 * a backend request (with `step` and `attempt`). Never a value, a key or a token.
 */
export interface TraceEvent {
  readonly provider: string;
  readonly operation: string;
  readonly id?: string | undefined;
  readonly scope?: string | undefined;
  readonly ownerId?: string | undefined;
  readonly traceId?: string | undefined;
  /** Name of the backend request. */
  readonly step?: string | undefined;
  /** 1 is the first attempt of the request. */
  readonly attempt?: number | undefined;
  /** Set when it has ended: `success` or the code of the error. */
  outcome?: 'success' | CredentialErrorCode | undefined;
}

const channel = tracingChannel<TraceEvent>('nebula.credential');

/**
 * Runs `body` as a traced step. The channel's subscribers see the event and, should it fail, the error; the result
 * is kept from them, because it may hold a record.
 */
export async function trace<T>(event: TraceEvent, body: () => Promise<T>): Promise<T> {
  if (!channel.hasSubscribers) {
    return body();
  }
  let result: { readonly value: T } | undefined;
  await channel.tracePromise(async () => {
    try {
      result = { value: await body() };
      event.outcome = 'success';
    } catch (error) {
      event.outcome = error instanceof CredentialError ? error.code : 'UNAVAILABLE';
      throw error;
    }
  }, event);
  // tracePromise rejects when the body does, so there is a result here.
  return (result as { readonly value: T }).value;
}

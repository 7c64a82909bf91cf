import type { Classification, Driver } from './driver.ts';
import { annotate, CredentialError, StorageError, type WriteOutcome } from './errors.ts';

/** An error of the backend as ours, and what is known of the write it may have cut off. */
export interface Failure {
  readonly error: CredentialError;
  readonly outcome: WriteOutcome;
}

/** Turns what an SDK threw into an error of this library through the driver's table. */
export function classifyFailure(driver: Driver, error: unknown, step: string): Failure {
  if (error instanceof CredentialError) {
    return { error: annotate(error, { step }), outcome: error.outcome ?? 'not-applied' };
  }
  const found = classified(driver, error, step);
  const { code, message, outcome = defaultOutcome(code), ...rest } = found;
  const { cause = sanitizedCause(error), ...details } = rest;
  return { error: new StorageError(code, message, { ...defined(details), step, cause }), outcome };
}

/** For an error that escaped a driver outside of its requests. Never retried: it is a defect. */
export function unexpectedFailure(error: unknown): CredentialError {
  return error instanceof CredentialError
    ? error
    : new StorageError('UNAVAILABLE', 'the driver failed in an unexpected way', {
        retryable: false,
        cause: sanitizedCause(error),
      });
}

function classified(driver: Driver, error: unknown, step: string): Classification {
  try {
    return driver.classify(error, step);
  } catch {
    return {
      code: 'UNAVAILABLE',
      retryable: false,
      message: 'the backend failed in a way the driver does not know',
    };
  }
}

function defaultOutcome(code: Classification['code']): WriteOutcome {
  return code === 'UNAVAILABLE' || code === 'TIMEOUT' ? 'unknown' : 'not-applied';
}

/**
 * What of an SDK's error can be shown: its name, its code, and where it came from. Its message and its other fields may
 * hold headers, bodies and tokens.
 */
function sanitizedCause(error: unknown): Error {
  const { name, code, stack, message } = (
    typeof error === 'object' && error !== null ? error : {}
  ) as Partial<Record<'name' | 'code' | 'stack' | 'message', unknown>>;
  const copy = new Error(typeof error === 'object' ? 'message withheld' : `a thrown ${typeof error}`);
  const frames = framesOf(typeof stack === 'string' ? stack : '', typeof message === 'string' ? message : '');
  copy.name = typeof name === 'string' && /^[A-Za-z]{1,64}$/.test(name) ? name : 'Error';
  copy.stack = [`${copy.name}: ${copy.message}`, ...frames].join('\n');
  if (typeof code === 'number' || (typeof code === 'string' && /^[A-Za-z0-9_.]{1,64}$/.test(code))) {
    Object.assign(copy, { code });
  }
  return copy;
}

/** The lines at the end of a stack; a message before them may quote the stack of a server. */
function framesOf(stack: string, message: string): string[] {
  const lines = stack.replace(message, '').split('\n');
  return lines.slice(lines.findLastIndex((line) => !/^\s+at /.test(line)) + 1);
}

function defined<T extends object>(details: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined)) as never;
}

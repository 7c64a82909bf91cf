/**
 * Everything that a caller can get wrong: which code, where, and what would be valid. `canary` stands where a secret
 * may have slipped in by mistake: no error shows it.
 */
import { inspect } from 'node:util';
import { expect, it } from '@jest/globals';
import { ValidationError, type ValidationErrorCode } from '../../src/index.ts';
import { rejection } from '../support.ts';

export const canary = 'hunter2 CANARY!';

/** What the call is made with, wrong on purpose: typed as whatever is asked for. */
export const wrong = (value: unknown): never => value as never;

/** A call that is to fail: it may throw at once or reject. */
export type Call = () => unknown;
/** What is wrong; the call; path of an issue; a part of its message that says what would be valid. */
export type Row = readonly [what: string, call: Call, path: string, valid: string];

export async function failing(call: Call): Promise<ValidationError> {
  return rejection(Promise.resolve().then(call));
}

function expectRefused(error: ValidationError, code: ValidationErrorCode, path: string, valid: string): void {
  expect(error).toBeInstanceOf(ValidationError);
  expect(error.code).toBe(code);
  expect(error.issues).toContainEqual({ path, message: expect.stringContaining(valid) });
  expect(error.message).toContain(valid);
  expect(error.message.startsWith(`${code}: `)).toBe(true);
  const shown = [inspect(error, { depth: 9 }), JSON.stringify(error), error.message, error.stack].join('\n');
  expect(shown).not.toContain('hunter2');
}

export function table(code: ValidationErrorCode, rows: readonly Row[]): void {
  it.each(rows)('%s', async (_what, call, path, valid) => {
    expectRefused(await failing(call), code, path, valid);
  });
}

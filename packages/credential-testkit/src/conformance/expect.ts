import assert from 'node:assert/strict';
import { CredentialError, type CredentialErrorCode, type StorageProvider } from '@nebula/credential-core';

/** Operations whose failures say what is known of the write. */
const writes = new Set(['store', 'delete', 'versions.restore', 'deleted.restore', 'deleted.purge']);

/** The error that a promise rejects with, held to what every error of the contract owes. */
export async function failure(promise: Promise<unknown>): Promise<CredentialError> {
  const error: unknown = await promise.then(
    (result) => assert.fail(`expected a failure, got a result of type ${typeof result}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof CredentialError, `expected a CredentialError, got ${String(error)}`);
  assert.ok(error.message.startsWith(`${error.code}: `), `a message leads with the code: ${error.message}`);
  assert.ok(error.remedy.length > 0, 'an error has a remedy');
  if (error.operation !== undefined && writes.has(error.operation)) {
    assert.ok(
      error.outcome === 'not-applied' || error.outcome === 'unknown',
      `a failed ${error.operation} carries an outcome, got ${error.outcome} with ${error.message}`,
    );
  }
  return error;
}

/** Like {@link failure}, with one of these codes. */
export async function refusal(
  promise: Promise<unknown>,
  ...codes: readonly [CredentialErrorCode, ...CredentialErrorCode[]]
): Promise<CredentialError> {
  const error = await failure(promise);
  assert.ok(codes.includes(error.code), `expected ${codes.join(' or ')}, got ${error.message}`);
  return error;
}

/** Like {@link refusal}, and the provider sent nothing to its backend. */
export async function refusalWithoutCall(
  provider: StorageProvider,
  act: () => Promise<unknown>,
  code: CredentialErrorCode,
): Promise<CredentialError> {
  const before = requestsOf(provider);
  const error = await refusal(act(), code);
  assert.equal(requestsOf(provider), before, `${code} comes before any call to the backend`);
  return error;
}

function requestsOf(provider: StorageProvider): number {
  return Object.values(provider.metrics.snapshot().requests).reduce((sum, { count }) => sum + count, 0);
}

/** Order does not matter; how often each occurs does. */
export function sameMembers(actual: Iterable<string>, expected: Iterable<string>, message?: string): void {
  assert.deepEqual([...actual].sort(), [...expected].sort(), message);
}

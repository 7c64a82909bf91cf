import { describe, expect, it } from '@jest/globals';
import {
  type Classification,
  CredentialError,
  createProvider,
  type Driver,
  type StorageError,
  type StorageProvider,
} from '../src/index.ts';
import { BackendError, collect, MapDriver, record, rejection } from './support.ts';
import { VersionedDriver } from './versioned-driver.ts';

const once = { retry: { maxRetries: 0 } } as const;

async function connected<D extends Driver>(driver: D, options = {}): Promise<StorageProvider> {
  const provider = createProvider(driver, { ...once, ...options });
  await provider.connect();
  return provider;
}

async function* none(): AsyncIterable<never> {}

describe('what a driver throws', () => {
  const canary = 'hvs.CANARY-token-4711';

  class SdkError extends Error {
    override readonly name = 'SdkError';
    readonly code = 'ERR_SDK';
    readonly config = { headers: { 'X-Vault-Token': canary } };
  }

  const expectClean = (error: unknown): void => {
    expect(error).toBeInstanceOf(CredentialError);
    const { message, stack, cause } = error as StorageError;
    const shown = [message, stack, JSON.stringify(error), JSON.stringify(cause), (cause as Error).stack];
    expect(shown.join('\n')).not.toContain(canary);
    expect(cause).toMatchObject({ name: 'SdkError', code: 'ERR_SDK', message: 'message withheld' });
    expect(Object.keys(cause as object)).toEqual(['name', 'code']);
  };

  it('outside of a request is an UNAVAILABLE that is not retryable, without its message', async () => {
    const driver = new MapDriver();
    const provider = await connected(driver);
    driver.read = async () => {
      throw new SdkError(canary);
    };
    const error = await rejection(provider.retrieve('a'));
    expect(error).toMatchObject({
      code: 'UNAVAILABLE',
      retryable: false,
      provider: 'map',
      operation: 'retrieve',
      id: 'a',
      attempts: 0,
    });
    expectClean(error);
  });

  it('in a request, with a table that throws itself, likewise; a write may have happened', async () => {
    const driver = new MapDriver();
    const provider = await connected(driver, { retry: { maxRetries: 5 } });
    driver.classify = (error) => {
      throw error;
    };
    driver.interference.before = () => {
      throw new SdkError(canary);
    };
    const error = await rejection(provider.store('a', record('x')));
    expect(error).toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      retryable: false,
      outcome: 'unknown',
      step: 'write',
    });
    expectClean((error as StorageError).cause);
    const read = await rejection(provider.head('a'));
    expect(read).toMatchObject({ code: 'UNAVAILABLE', retryable: false, step: 'read', attempts: 1 });
    expectClean(read);
  });

  it('in a request, with a table that answers nonsense, likewise', async () => {
    const driver = new MapDriver();
    const provider = await connected(driver);
    driver.classify = () => undefined as unknown as Classification;
    driver.interference.before = () => {
      throw new SdkError(canary);
    };
    const error: StorageError = await rejection(provider.delete('a'));
    expect(error).toMatchObject({ code: 'UNAVAILABLE', retryable: false, outcome: 'unknown' });
    expect(error.message).not.toContain(canary);
  });

  it('in a watch goes through the table as well', async () => {
    const driver = new VersionedDriver();
    const provider = await connected(driver);
    Object.assign(driver, {
      // biome-ignore lint/correctness/useYield: it fails before
      watch: async function* () {
        throw new SdkError(canary);
      },
    });
    const watching = createProvider(driver).watch?.() ?? none();
    const error = await rejection(collect(watching));
    expect(error).toMatchObject({ code: 'UNAVAILABLE', provider: 'versioned', operation: 'watch' });
    expectClean(error);
    await provider.close();
  });

  it('in close goes through the table as well', async () => {
    const driver = new MapDriver();
    Object.assign(driver, {
      close: async () => {
        throw new SdkError(canary);
      },
    });
    const provider = await connected(driver);
    const error = await rejection(provider.close());
    expect(error).toMatchObject({ code: 'UNAVAILABLE', provider: 'map', operation: 'close' });
    expectClean(error);
    expect(provider.state).toBe('closed');
  });

  it.each<[string, unknown, string]>([
    ['a string', canary, 'a thrown string'],
    ['undefined', undefined, 'a thrown undefined'],
    ['null', null, 'message withheld'],
    [
      'a bare object',
      Object.assign(Object.create(null), { stack: 5, message: Symbol('x') }),
      'message withheld',
    ],
    ['an error that quotes a stack', new Error(`500\n    at Server(${canary})`), 'message withheld'],
    ['an error that quoted one', quoting(), 'message withheld'],
  ])('%s has no message of its own', async (_what, thrown, message) => {
    const driver = new MapDriver();
    const provider = await connected(driver);
    driver.interference.before = () => {
      throw thrown;
    };
    const error: StorageError = await rejection(provider.head('a'));
    expect(error).toMatchObject({ code: 'UNAVAILABLE', cause: { name: 'Error', message } });
    expect((error.cause as Error).stack).not.toContain(canary);
  });

  function quoting(): Error {
    const error = new Error(`500\n    at Server(${canary})`);
    error.message = `changed later, with ${canary}`;
    return error;
  }

  it('keeps the frames, to find where it came from', async () => {
    const driver = new MapDriver();
    const provider = await connected(driver);
    driver.interference.before = function thrower() {
      throw new SdkError('x');
    };
    const error: StorageError = await rejection(provider.head('a'));
    expect((error.cause as Error).stack).toMatch(/^SdkError: message withheld\n\s+at .*thrower/);
  });

  it('carries provider, operation, step, id and attempts', async () => {
    const driver = new MapDriver();
    const provider = await connected(driver, { retry: { baseDelay: 0, maxRetries: 2 } });
    driver.interference.before = () => {
      throw new BackendError({ code: 'RATE_LIMITED', requestId: 'req-1', retryAfterMs: 1, remedy: 'Wait.' });
    };
    expect(await rejection(provider.store('team/a', record('x'), { scope: 's' }))).toMatchObject({
      code: 'RATE_LIMITED',
      provider: 'map',
      operation: 'store',
      step: 'write',
      id: 'team/a',
      attempts: 3,
      retryAfterMs: 1,
      requestId: 'req-1',
      remedy: 'Wait.',
      outcome: 'not-applied',
    });
  });

  it('never is its own cause', async () => {
    const driver = new MapDriver();
    const provider = await connected(driver);
    driver.interference.before = () => new Promise(() => undefined);
    const error: StorageError = await rejection(provider.retrieve('a', {}, { timeout: 5 }));
    expect(error).toMatchObject({ code: 'TIMEOUT', timeoutMs: 5, step: 'read' });
    expect(error.cause).toBeUndefined();
  });
});

import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  createProvider,
  type DriverHead,
  hasCode,
  type PipelineOptions,
  parseRetryAfter,
  type Revision,
  type StorageError,
} from '../src/index.ts';
import { backoffDelay, DEFAULT_RETRY_POLICY, RetryBudget } from '../src/retry.ts';
import { BackendError, MapDriver, record, rejection, seededRandom } from './support.ts';

const unavailable = () => new BackendError({ code: 'UNAVAILABLE' });

async function connected(options: PipelineOptions = {}) {
  const driver = new MapDriver();
  const provider = createProvider(driver, options);
  await provider.connect();
  driver.requests.length = 0;
  return { driver, provider };
}

describe('backoff', () => {
  it('doubles up to the longest delay', () => {
    const policy = { ...DEFAULT_RETRY_POLICY, jitter: 'none' as const };
    expect([0, 1, 2, 3, 9, 19].map((n) => backoffDelay(policy, n))).toEqual([
      100, 200, 400, 800, 30_000, 30_000,
    ]);
  });

  it('takes a uniformly random part of it under full jitter', () => {
    const random = seededRandom(1);
    const delays = Array.from({ length: 10_000 }, () => backoffDelay(DEFAULT_RETRY_POLICY, 3, random));
    const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...delays)).toBeLessThan(800);
    expect(mean).toBeGreaterThan(380);
    expect(mean).toBeLessThan(420);
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-24T10:00:00Z');
  it.each([
    ['0', 0],
    ['1', 1_000],
    [' 120 ', 120_000],
    ['Tue, 24 Nov 2026 10:00:30 GMT', 30_000],
    ['Tuesday, 24-Nov-26 10:00:30 GMT', 30_000],
    ['Tue Nov 24 10:00:30 2026 GMT', 30_000],
    ['Tue, 24 Nov 2026 09:59:00 GMT', 0],
    ['-1', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
    [null, undefined],
  ])('reads %j as %j ms', (value, expected) => {
    expect(parseRetryAfter(value, now)).toBe(expected);
  });
});

describe('retry loop under a fake clock', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
  });
  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  /** Runs the clock until the promise settles; gives what it settled with and the time that took. */
  async function settled<T>(promise: Promise<T>): Promise<{ value?: T; error?: StorageError; ms: number }> {
    const started = performance.now();
    let done: { value?: T; error?: StorageError } | undefined;
    promise.then(
      (value) => {
        done = { value };
      },
      (error: StorageError) => {
        done = { error };
      },
    );
    for (let step = 0; done === undefined && step < 70_000; step += 1) {
      await jest.advanceTimersByTimeAsync(1);
    }
    return { ...done, ms: performance.now() - started };
  }

  it('repeats a transient failure with growing delays and then reports it', async () => {
    const { driver, provider } = await connected({ timeouts: { read: 60_000 } });
    const times: number[] = [];
    driver.interference.before = () => {
      times.push(performance.now());
      throw unavailable();
    };
    const { error } = await settled(provider.retrieve('a'));
    expect(error).toMatchObject({
      code: 'UNAVAILABLE',
      attempts: 6,
      retryable: true,
      operation: 'retrieve',
      step: 'read',
    });
    expect(times.slice(1).map((time, n) => Math.round(time - (times[n] ?? 0)))).toEqual([
      50, 100, 200, 400, 800,
    ]);
  });

  it('succeeds after failures, and counts them', async () => {
    const { driver, provider } = await connected();
    let failures = 3;
    driver.interference.before = () => {
      if (failures-- > 0) {
        throw unavailable();
      }
    };
    const { value } = await settled(provider.store('a', record('x')));
    expect(value).toBe('r1');
    const { operations, requests } = provider.metrics.snapshot();
    expect(operations['store']).toMatchObject({ count: 1, retries: expect.any(Number), errors: {} });
    expect(requests['store/write']?.errors.UNAVAILABLE).toBeGreaterThan(0);
  });

  it.each([
    'PERMISSION_DENIED',
    'AUTHENTICATION_FAILED',
    'NOT_FOUND',
    'QUOTA_EXCEEDED',
    'INVALID_STATE',
    'TOO_LARGE',
    'UNSUPPORTED',
  ] as const)('does not repeat %s', async (code) => {
    const { driver, provider } = await connected();
    driver.interference.before = () => {
      throw new BackendError({ code });
    };
    const { error, ms } = await settled(provider.retrieve('a'));
    expect(error).toMatchObject({ code, attempts: 1, retryable: false });
    expect(ms).toBeLessThan(5);
  });

  it('waits as long as Retry-After says when that is longer than the backoff', async () => {
    const { driver, provider } = await connected({ timeouts: { read: 20_000 } });
    await provider.store('a', record('x'));
    let first = true;
    driver.interference.before = () => {
      if (first) {
        first = false;
        throw new BackendError({ code: 'RATE_LIMITED', retryAfterMs: 1_500 });
      }
    };
    const { value, ms } = await settled(provider.retrieve('a'));
    expect(value?.id).toBe('a');
    expect(Math.round(ms)).toBeGreaterThanOrEqual(1_500);
    expect(Math.round(ms)).toBeLessThan(1_520);
  });

  it.each(['RATE_LIMITED', 'UNAVAILABLE'] as const)(
    'fails at once as RATE_LIMITED when a %s asks for more than the deadline has left',
    async (code) => {
      const { driver, provider } = await connected();
      driver.interference.before = () => {
        throw new BackendError({ code, retryAfterMs: 30_000 });
      };
      const { error, ms } = await settled(provider.retrieve('a'));
      expect(error).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 30_000, attempts: 1 });
      expect(ms).toBeLessThan(5);
    },
  );

  it('does not sleep beyond the deadline', async () => {
    const { driver, provider } = await connected({
      retry: { baseDelay: 800, jitter: 'none', maxRetries: 20 },
    });
    driver.interference.before = () => {
      throw unavailable();
    };
    const { error, ms } = await settled(provider.retrieve('a', {}, { timeout: 3_000 }));
    expect(error).toMatchObject({ code: 'UNAVAILABLE', attempts: 3 });
    expect(ms).toBeLessThan(3_000);
  });

  it('bounds each attempt, so that a hung connection does not eat the deadline', async () => {
    const { driver, provider } = await connected();
    await provider.store('a', record('x'));
    let hangs = 1;
    driver.interference.before = async () => {
      if (hangs-- > 0) {
        await new Promise(() => undefined);
      }
    };
    const { value, ms } = await settled(provider.retrieve('a'));
    expect(value?.id).toBe('a');
    expect(Math.round(ms)).toBeGreaterThanOrEqual(2_000);
    expect(Math.round(ms)).toBeLessThan(2_200);
  });

  it('reports TIMEOUT with the budget when the deadline passes, and aborts the attempt', async () => {
    const { driver, provider } = await connected();
    const reasons: unknown[] = [];
    driver.interference.before = (_step, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason);
          reject(Object.assign(new Error('aborted'), { name: 'AbortError' }));
        });
      });
    const { error, ms } = await settled(provider.retrieve('a', {}, { timeout: 1_000 }));
    expect(error).toMatchObject({ code: 'TIMEOUT', timeoutMs: 1_000, attempts: 1, retryable: true });
    expect(Math.round(ms)).toBe(1_000);
    expect(reasons).toHaveLength(1);
    expect(hasCode(reasons[0], 'TIMEOUT')).toBe(true);
  });

  it('aborts at once during a call', async () => {
    const { driver, provider } = await connected();
    driver.interference.before = () => new Promise(() => undefined);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 50);
    const { error, ms } = await settled(provider.store('a', record('x'), {}, { signal: controller.signal }));
    expect(error).toMatchObject({ code: 'ABORTED', outcome: 'unknown', retryable: false });
    expect(error?.cause).toMatchObject({ message: 'enough' });
    expect(Math.round(ms)).toBe(50);
  });

  it('aborts at once during a sleep', async () => {
    const { driver, provider } = await connected({ retry: { baseDelay: 4_000, jitter: 'none' } });
    driver.interference.before = () => {
      throw new BackendError({ code: 'RATE_LIMITED' });
    };
    const controller = new AbortController();
    setTimeout(() => controller.abort('enough'), 300);
    const { error, ms } = await settled(provider.store('a', record('x'), {}, { signal: controller.signal }));
    expect(error).toMatchObject({ code: 'ABORTED', outcome: 'not-applied', attempts: 1, cause: 'enough' });
    expect(Math.round(ms)).toBe(300);
  });

  it('sends nothing when the signal was aborted before', async () => {
    const { driver, provider } = await connected();
    const { error } = await settled(
      provider.store('a', record('x'), {}, { signal: AbortSignal.abort('no') }),
    );
    expect(error).toMatchObject({ code: 'ABORTED', outcome: 'not-applied', attempts: 0, cause: 'no' });
    expect(driver.requests).toEqual([]);
  });

  it('does not repeat a step that was completed when a later one fails', async () => {
    const driver = new MapDriver();
    const steps: string[] = [];
    let failures = 2;
    driver.head = async (call) => {
      await call.request('first', async () => void steps.push('first'));
      return call.request('second', async () => {
        steps.push('second');
        if (failures-- > 0) {
          throw unavailable();
        }
        return { meta: record().meta, revision: 'r' as never };
      });
    };
    const provider = createProvider(driver);
    await provider.connect();
    await settled(provider.head('a'));
    expect(steps).toEqual(['first', 'second', 'second', 'second']);
  });

  it('repeats once, at once and uncharged, after a repair', async () => {
    const driver = new MapDriver();
    const steps: string[] = [];
    driver.head = async (call) => {
      const repairing = call.once(async () => {
        steps.push('login');
        return true;
      });
      return repairing.request('get', async () => {
        steps.push('get');
        throw new BackendError({ code: 'PERMISSION_DENIED' });
      });
    };
    const provider = createProvider(driver, { retry: { maxRetries: 0 } });
    await provider.connect();
    const { error, ms } = await settled(provider.head('a'));
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED', attempts: 2 });
    expect(steps).toEqual(['get', 'login', 'get']);
    expect(ms).toBeLessThan(5);
  });

  it('reports a repair that fails by the table of the driver', async () => {
    const driver = new MapDriver();
    driver.head = (call) =>
      call
        .once(async () => {
          throw new BackendError({ code: 'AUTHENTICATION_FAILED' });
        })
        .request('get', async () => {
          throw new BackendError({ code: 'PERMISSION_DENIED' });
        });
    const provider = createProvider(driver);
    const { error } = await settled(provider.head('a'));
    expect(error).toMatchObject({ code: 'AUTHENTICATION_FAILED' });
  });

  it('polls until there is an answer, and no longer than the deadline', async () => {
    const driver = new MapDriver();
    let looks = 0;
    driver.head = (call) =>
      call.poll<DriverHead>('look', async () =>
        ++looks < 4 ? undefined : { meta: record().meta, revision: 'r' as Revision },
      );
    const provider = createProvider(driver);
    await provider.connect();
    const { value, ms } = await settled(provider.head('a'));
    expect(value?.revision).toBe('r');
    expect(Math.round(ms)).toBe(1_500);
    driver.head = (call) => call.poll<DriverHead>('look', async () => undefined);
    expect((await settled(provider.head('a', {}, { timeout: 1_200 }))).error).toMatchObject({
      code: 'TIMEOUT',
    });
  });
});

describe('retry budget', () => {
  it('holds a dead backend to 1.1 times the offered load over 10,000 operations', async () => {
    const { driver, provider } = await connected({ retry: { baseDelay: 0 } });
    driver.interference.before = () => {
      throw unavailable();
    };
    for (let batch = 0; batch < 100; batch += 1) {
      await Promise.all(Array.from({ length: 100 }, () => rejection(provider.retrieve('a'))));
    }
    expect(driver.requests.length).toBeGreaterThan(10_000);
    expect(driver.requests.length).toBeLessThanOrEqual(11_000);
  });

  it('does not bind in the 30 % mix with 500 concurrent operations', async () => {
    const { driver, provider } = await connected({
      retry: { baseDelay: 0, maxRetries: 20 },
      maxConcurrency: 500,
    });
    await provider.store('a', record('x'));
    const random = seededRandom(7);
    driver.interference.before = () => {
      if (random() < 0.3) {
        throw unavailable();
      }
    };
    const results = await Promise.allSettled(
      Array.from({ length: 500 }, async () => {
        for (let n = 0; n < 20; n += 1) {
          await provider.retrieve('a');
        }
      }),
    );
    expect(results.filter(({ status }) => status === 'rejected')).toEqual([]);
  });

  it('gives back what was taken, and no more', () => {
    const budget = new RetryBudget(2);
    budget.refill();
    expect([budget.take(), budget.take(), budget.take()]).toEqual([true, true, false]);
    budget.refill();
    expect([budget.take(), budget.take()]).toEqual([true, false]);
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { createProvider, type StorageError, type StorageProvider } from '../src/index.ts';
import { BackendError, collect, MapDriver, record, rejection, turn } from './support.ts';
import { VersionedDriver } from './versioned-driver.ts';

/** A driver whose next connect waits until it is told how to end. */
function gated() {
  const driver = new MapDriver();
  const gates: PromiseWithResolvers<void>[] = [];
  driver.interference.before = async (step) => {
    if (step === 'connect') {
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      await gate.promise;
    }
  };
  const provider = createProvider(driver, { retry: { maxRetries: 0 } });
  const connects = () => driver.requests.filter((step) => step === 'connect').length;
  return { driver, provider, gates, connects };
}

async function* empty(): AsyncIterable<never> {}

const denied = () => new BackendError({ code: 'PERMISSION_DENIED' });

describe('connect', () => {
  it('goes from configured over connecting to connected', async () => {
    const { provider, gates } = gated();
    expect(provider.state).toBe('configured');
    const connecting = provider.connect();
    expect(provider.state).toBe('connecting');
    await turn();
    gates[0]?.resolve();
    await expect(connecting).resolves.toBeUndefined();
    expect(provider.state).toBe('connected');
  });

  it('does nothing when it is connected', async () => {
    const driver = new MapDriver();
    const provider = createProvider(driver);
    await provider.connect();
    await provider.connect();
    await provider.head('a').catch(() => undefined);
    expect(driver.requests).toEqual(['connect', 'read']);
  });

  it('is one, however many wait for it', async () => {
    const { provider, gates, connects } = gated();
    const waiting = Promise.all([
      provider.connect(),
      provider.connect(),
      provider.store('a', record('x')),
      collect(provider.list()),
    ]);
    await turn();
    gates[0]?.resolve();
    await waiting;
    expect(connects()).toBe(1);
  });

  it('happens with the first operation, whichever that is', async () => {
    const operations = [
      (p: StorageProvider) => p.exists('a'),
      (p: StorageProvider) => p.delete('a'),
      (p: StorageProvider) => collect(p.entries()),
      (p: StorageProvider) => collect(p.scopes?.() ?? empty()),
      (p: StorageProvider) => rejection(collect(p.versions?.list('a') ?? empty())),
      (p: StorageProvider) => rejection(p.versions?.restore('a', '0') ?? Promise.resolve()),
      (p: StorageProvider) => collect(p.deleted?.list() ?? empty()),
      (p: StorageProvider) => rejection(p.deleted?.restore('a') ?? Promise.resolve()),
      (p: StorageProvider) => p.deleted?.purge('a'),
    ];
    for (const operation of operations) {
      const driver = new VersionedDriver();
      const provider = createProvider(driver);
      await operation(provider);
      expect(driver.requests[0]).toBe('connect');
      expect(driver.requests).toHaveLength(2);
      expect(provider.state).toBe('connected');
    }
  });

  it('falls back to configured when it fails, and begins anew', async () => {
    const { provider, gates, connects } = gated();
    const failing = rejection(provider.connect());
    await turn();
    gates[0]?.reject(denied());
    expect(await failing).toMatchObject({ code: 'PERMISSION_DENIED', operation: 'connect', step: 'connect' });
    expect(provider.state).toBe('configured');
    const again = provider.connect();
    await turn();
    gates[1]?.resolve();
    await again;
    expect(provider.state).toBe('connected');
    expect(connects()).toBe(2);
  });

  it('gives each of those who wait an error of its own', async () => {
    const { provider, gates } = gated();
    const waiting = [
      rejection(provider.connect()),
      rejection(provider.store('one', record('x'))),
      rejection(provider.retrieve('two')),
      rejection(provider.store('three', record('x'))),
    ] as Promise<StorageError>[];
    await turn();
    gates[0]?.reject(denied());
    const errors = await Promise.all(waiting);
    expect(new Set(errors).size).toBe(4);
    expect(errors.map(({ operation, id, outcome }) => [operation, id, outcome])).toEqual([
      ['connect', undefined, undefined],
      ['store', 'one', 'not-applied'],
      ['retrieve', 'two', undefined],
      ['store', 'three', 'not-applied'],
    ]);
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'PERMISSION_DENIED', provider: 'map', step: 'connect' });
      expect(error.message).toBe('PERMISSION_DENIED: the backend said so');
      expect(error.cause).toBe(errors[0]?.cause);
    }
  });

  it('goes on for the others when one caller aborts', async () => {
    const { provider, gates, connects } = gated();
    const controller = new AbortController();
    const aborted = rejection(provider.connect({ signal: controller.signal }));
    const stored = rejection(provider.store('a', record('x'), {}, { signal: controller.signal }));
    const patient = provider.connect();
    await turn();
    controller.abort('enough');
    expect(await aborted).toMatchObject({ code: 'ABORTED', operation: 'connect', cause: 'enough' });
    expect(await stored).toMatchObject({ code: 'ABORTED', outcome: 'not-applied', id: 'a' });
    expect(provider.state).toBe('connecting');
    gates[0]?.resolve();
    await patient;
    expect(connects()).toBe(1);
  });

  it('sends nothing when the signal was aborted before', async () => {
    const { provider, connects } = gated();
    const error = await rejection(provider.connect({ signal: AbortSignal.abort('no') }));
    expect(error).toMatchObject({ code: 'ABORTED', cause: 'no' });
    expect([connects(), provider.state]).toEqual([0, 'configured']);
  });

  it('needs nothing of a driver that has no connect', async () => {
    const driver = new MapDriver();
    Object.assign(driver, { connect: undefined });
    const provider = createProvider(driver);
    await provider.connect();
    await provider.check();
    expect([driver.requests, provider.state]).toEqual([[], 'connected']);
  });
});

describe('connect under a fake clock', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it.each([
    [{}, 2_000],
    [{ timeout: 60_000 }, 2_000],
    [{ timeout: 700 }, 700],
  ])('given %j takes at most %i ms in all', async (options, longest) => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    const { provider } = gated();
    const started = performance.now();
    let ended: number | undefined;
    const failed = rejection(provider.connect(options)).finally(() => {
      ended = performance.now();
    });
    for (let step = 0; ended === undefined && step < 100; step += 1) {
      await jest.advanceTimersByTimeAsync(50);
    }
    expect(await failed).toMatchObject({ code: 'TIMEOUT', timeoutMs: longest, operation: 'connect' });
    expect(Math.round((ended ?? 0) - started)).toBe(longest);
  });

  it('does so too when the driver waits for what is no request', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    const driver = new MapDriver();
    driver.connect = () => new Promise(() => undefined);
    const failed = rejection(createProvider(driver).connect({ timeout: 60_000 }));
    await jest.advanceTimersByTimeAsync(2_000);
    expect(await failed).toMatchObject({ code: 'TIMEOUT', timeoutMs: 2_000 });
  });

  it('also retries no longer than that', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    const driver = new MapDriver();
    driver.interference.before = () => {
      throw new BackendError({ code: 'UNAVAILABLE' });
    };
    const provider = createProvider(driver, { retry: { baseDelay: 500, jitter: 'none', maxRetries: 20 } });
    const started = performance.now();
    let ended: number | undefined;
    const failed = rejection(provider.connect({ timeout: 60_000 })).finally(() => {
      ended = performance.now();
    });
    for (let step = 0; ended === undefined && step < 100; step += 1) {
      await jest.advanceTimersByTimeAsync(50);
    }
    expect(await failed).toMatchObject({ code: 'UNAVAILABLE', attempts: 3 });
    expect((ended ?? Number.POSITIVE_INFINITY) - started).toBeLessThanOrEqual(2_000);
  });
});

describe('check', () => {
  it('asks the driver each time, and connects where it has nothing better', async () => {
    const driver = new MapDriver();
    const provider = createProvider(driver, { retry: { maxRetries: 0 } });
    await provider.check();
    await provider.check();
    expect(driver.requests).toEqual(['connect', 'connect']);
    driver.interference.before = () => {
      throw denied();
    };
    expect(await rejection(provider.check())).toMatchObject({
      code: 'PERMISSION_DENIED',
      operation: 'check',
    });
  });
});

describe('close', () => {
  it('makes every method fail as CLOSED, writes with the outcome not-applied', async () => {
    const driver = new VersionedDriver();
    const provider = createProvider(driver);
    await provider.connect();
    const pages = provider.entries()[Symbol.asyncIterator]();
    for (const id of ['a', 'b', 'c', 'd']) {
      await provider.store(id, record('x'));
    }
    for (const _ of [1, 2, 3]) {
      await pages.next();
    }
    await provider.close();
    expect(provider.state).toBe('closed');
    driver.requests.length = 0;
    const { versions, deleted } = provider;
    const reads: Record<string, () => Promise<unknown>> = {
      connect: () => provider.connect(),
      check: () => provider.check(),
      retrieve: () => provider.retrieve('a'),
      head: () => provider.head('a'),
      exists: () => provider.exists('a'),
      list: () => collect(provider.list()),
      entries: () => pages.next(),
      scopes: () => collect(provider.scopes?.() ?? empty()),
      watch: () => collect(provider.watch?.() ?? empty()),
      'versions.list': () => collect(versions?.list('a') ?? empty()),
      'deleted.list': () => collect(deleted?.list() ?? empty()),
    };
    const writes: Record<string, () => Promise<unknown>> = {
      store: () => provider.store('a', record('x')),
      delete: () => provider.delete('a'),
      'versions.restore': () => versions?.restore('a', '0') ?? Promise.resolve(),
      'deleted.restore': () => deleted?.restore('a') ?? Promise.resolve(),
      'deleted.purge': () => deleted?.purge('a') ?? Promise.resolve(),
    };
    for (const [operation, call] of Object.entries(reads)) {
      const error: StorageError = await rejection(call());
      expect(error).toMatchObject({ code: 'CLOSED', provider: 'versioned', operation, retryable: false });
      expect(error.outcome).toBeUndefined();
    }
    for (const [operation, call] of Object.entries(writes)) {
      const error = await rejection(call());
      expect(error).toMatchObject({ code: 'CLOSED', operation, outcome: 'not-applied', attempts: 0 });
    }
    expect(driver.requests).toEqual([]);
  });

  it('ends a watch that waits', async () => {
    const provider = createProvider(new VersionedDriver());
    const next = rejection(
      provider.watch?.()[Symbol.asyncIterator]().next() ?? Promise.reject(new Error('no watch')),
    );
    await turn();
    await provider.close();
    expect(await next).toMatchObject({ code: 'CLOSED', operation: 'watch' });
  });

  it('waits for running operations, and lets them succeed', async () => {
    const driver = new MapDriver();
    const close = jest.fn(async () => undefined);
    Object.assign(driver, { close });
    const provider = createProvider(driver);
    await provider.connect();
    const gate = Promise.withResolvers<void>();
    driver.interference.before = () => gate.promise;
    const storing = provider.store('a', record('x'));
    await turn();
    const closing = provider.close();
    await turn();
    expect([provider.state, close.mock.calls.length]).toEqual(['closed', 0]);
    gate.resolve();
    await expect(storing).resolves.toBe('r1');
    await closing;
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('waits for the connecting too, though whoever began it has given up', async () => {
    const { driver, provider, gates } = gated();
    const order: string[] = [];
    Object.assign(driver, { close: async () => void order.push('close') });
    const aborted = new AbortController();
    const given = rejection(provider.connect({ signal: aborted.signal }));
    await turn();
    aborted.abort();
    await given;
    const closing = provider.close();
    await turn();
    order.push('connected');
    gates[0]?.resolve();
    await closing;
    expect(order).toEqual(['connected', 'close']);
    expect(provider.state).toBe('closed');
  });

  it('twice is one close; so is `await using`', async () => {
    const driver = new MapDriver();
    const close = jest.fn(async () => undefined);
    Object.assign(driver, { close });
    {
      await using provider = createProvider(driver);
      await Promise.all([provider.close(), provider.close()]);
      await provider.close();
    }
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('before connecting closes for good', async () => {
    const provider = createProvider(new MapDriver());
    await provider.close();
    expect(await rejection(provider.connect())).toMatchObject({ code: 'CLOSED' });
    expect(provider.state).toBe('closed');
  });
});

describe('a process that used providers', () => {
  it('is kept alive by no timer and has no unhandled rejection', async () => {
    const script = fileURLToPath(new URL('./lifecycle-process.ts', import.meta.url));
    const flags = ['--no-warnings', '--unhandled-rejections=strict'];
    const child = spawn(process.execPath, [...flags, script], { stdio: ['ignore', 'pipe', 'pipe'] });
    const output: string[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk.toString()));
    const [code] = await once(child, 'close');
    expect([output.join(''), code]).toEqual(['{"timers":[]}', 0]);
  }, 30_000);
});

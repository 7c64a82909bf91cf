import { channel, tracingChannel } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  CredentialManager,
  createProvider,
  EncryptionKey,
  EncryptionManager,
  type Measurement,
  type TraceEvent,
} from '../src/index.ts';
import { MetricsRecorder } from '../src/metrics.ts';
import { BackendError, collect, MapDriver, record, rejection } from './support.ts';

interface Seen {
  readonly phase: 'start' | 'end' | 'asyncStart' | 'asyncEnd' | 'error';
  /** As it was at that moment. */
  readonly event: TraceEvent & { readonly error?: unknown; readonly result?: unknown };
}

const tracing = tracingChannel<TraceEvent>('nebula.credential');
const unsubscribe: (() => void)[] = [];

function subscribe(): Seen[] {
  const seen: Seen[] = [];
  const on = (phase: Seen['phase']) => (event: TraceEvent) => void seen.push({ phase, event: { ...event } });
  const subscribers = {
    start: on('start'),
    end: on('end'),
    asyncStart: on('asyncStart'),
    asyncEnd: on('asyncEnd'),
    error: on('error'),
  };
  tracing.subscribe(subscribers);
  unsubscribe.push(() => tracing.unsubscribe(subscribers));
  return seen;
}

afterEach(() => {
  for (const undo of unsubscribe.splice(0)) {
    undo();
  }
});

describe('metrics', () => {
  it('count operations, requests, errors by code and retries', async () => {
    const driver = new MapDriver();
    const provider = createProvider(driver, { retry: { baseDelay: 0, maxRetries: 2 } });
    expect(provider.metrics.snapshot()).toEqual({ operations: {}, requests: {} });
    await provider.store('a', record('x'));
    await provider.retrieve('a');
    await rejection(provider.retrieve('b'));
    let failures = 2;
    driver.interference.before = () => {
      if (failures > 0) {
        failures -= 1;
        throw new BackendError({ code: 'RATE_LIMITED' });
      }
    };
    await provider.retrieve('a');
    driver.interference.before = () => {
      throw new BackendError({ code: 'UNAVAILABLE' });
    };
    await rejection(provider.retrieve('a'));
    await rejection(provider.retrieve('a', {}, { timeout: 0 }));
    const { operations, requests } = provider.metrics.snapshot();
    expect(counts(operations)).toEqual({
      connect: [1, 0, {}],
      store: [1, 0, {}],
      retrieve: [4, 4, { NOT_FOUND: 1, UNAVAILABLE: 1 }],
    });
    expect(counts(requests)).toEqual({
      'connect/connect': [1, 0, {}],
      'store/write': [1, 0, {}],
      'retrieve/read': [8, 4, { NOT_FOUND: 1, RATE_LIMITED: 2, UNAVAILABLE: 3 }],
    });
  });

  function counts(measured: Readonly<Record<string, Measurement>>): object {
    return Object.fromEntries(
      Object.entries(measured).map(([name, { count, retries, errors }]) => [name, [count, retries, errors]]),
    );
  }

  it('count every page of a listing', async () => {
    const provider = createProvider(new MapDriver());
    for (let n = 0; n < 25; n += 1) {
      await provider.store(`a${n}`, record());
    }
    await collect(provider.list());
    expect(provider.metrics.snapshot().operations['list']?.count).toBe(3);
  });

  it('count operations that failed before anything was sent', async () => {
    const provider = createProvider(new MapDriver());
    await provider.close();
    await rejection(provider.head('a'));
    expect(provider.metrics.snapshot()).toMatchObject({
      operations: { head: { count: 1, errors: { CLOSED: 1 } } },
      requests: {},
    });
  });

  it('hold latencies in cumulative buckets', () => {
    const metrics = new MetricsRecorder();
    for (const ms of [0, 0.1, 0.2, 3, 3, 70_000]) {
      metrics.operation('get', ms, undefined, 0);
    }
    const latency = metrics.snapshot().operations['get']?.latency;
    expect(latency).toMatchObject({ count: 6, max: 70_000 });
    expect(latency?.sum).toBeCloseTo(70_006.3);
    const at = (le: number) => latency?.buckets.find((bucket) => bucket.le === le)?.count;
    expect([0.1, 0.25, 2.5, 5, 30_000, Number.POSITIVE_INFINITY].map(at)).toEqual([2, 3, 3, 5, 5, 6]);
    const bounds = latency?.buckets.map(({ le }) => le) ?? [];
    expect(bounds).toEqual([...bounds].sort((a, b) => a - b));
    const cumulative = latency?.buckets.map(({ count }) => count) ?? [];
    expect(cumulative).toEqual([...cumulative].sort((a, b) => a - b));
  });

  it('are copied: a snapshot stays as it was', async () => {
    const provider = createProvider(new MapDriver());
    await provider.exists('a');
    const before = provider.metrics.snapshot();
    const text = JSON.stringify(before);
    await rejection(provider.head('a'));
    await provider.exists('a');
    expect(JSON.stringify(before)).toBe(text);
    expect(provider.metrics.snapshot().operations['exists']?.count).toBe(2);
  });
});

describe('the tracing channel nebula.credential', () => {
  it('carries operation and requests, with step, attempt and outcome', async () => {
    const driver = new MapDriver();
    const provider = createProvider(driver, { retry: { baseDelay: 0, maxRetries: 1 } });
    await provider.connect();
    await provider.store('a', record('x'));
    let failures = 1;
    driver.interference.before = () => {
      if (failures > 0) {
        failures -= 1;
        throw new BackendError({ code: 'RATE_LIMITED' });
      }
    };
    const seen = subscribe();
    await provider.retrieve('a', { ownerId: 'user-7', traceId: '4bf92f' });
    const operation = {
      provider: 'map',
      operation: 'retrieve',
      id: 'a',
      ownerId: 'user-7',
      traceId: '4bf92f',
    };
    const done = seen.filter(({ phase }) => phase === 'asyncEnd').map(({ event }) => event);
    expect(done.map(({ error: _error, result: _result, ...event }) => event)).toEqual([
      { ...operation, step: 'read', attempt: 1, outcome: 'RATE_LIMITED' },
      { ...operation, step: 'read', attempt: 2, outcome: 'success' },
      { ...operation, outcome: 'success' },
    ]);
    expect(seen[0]).toEqual({ phase: 'start', event: operation });
    expect(seen.filter(({ phase }) => phase === 'error').map(({ event }) => event.error)).toEqual([
      expect.objectContaining({ code: 'RATE_LIMITED', step: 'read' }),
    ]);
  });

  it('carries the scope, and the error of an operation as its caller gets it', async () => {
    const provider = createProvider(new MapDriver());
    await provider.connect();
    const seen = subscribe();
    const error = await rejection(provider.retrieve('a', { scope: 'team' }));
    const last = seen.findLast(({ phase }) => phase === 'error')?.event;
    expect(last).toMatchObject({ operation: 'retrieve', id: 'a', scope: 'team', outcome: 'NOT_FOUND' });
    expect(last?.error).toBe(error);
  });

  it('publishes no result', async () => {
    const provider = createProvider(new MapDriver());
    const seen = subscribe();
    await provider.store('a', record('x'));
    await provider.retrieve('a');
    await collect(provider.entries());
    expect(seen.length).toBeGreaterThan(10);
    expect(new Set(seen.map(({ event }) => event.result))).toEqual(new Set([undefined]));
  });

  it('gives the same results with and without subscribers', async () => {
    const provider = createProvider(new MapDriver());
    const revision = await provider.store('a', record('x'));
    const without = await provider.retrieve('a');
    subscribe();
    expect(await provider.retrieve('a')).toEqual(without);
    expect(await provider.exists('a')).toBe(true);
    expect(await provider.retrieve('a', {}, { ifNotRevision: revision })).toBeUndefined();
  });

  it('publishes nothing once the last one has left', async () => {
    const provider = createProvider(new MapDriver());
    const seen = subscribe();
    expect(channel('tracing:nebula.credential:start').hasSubscribers).toBe(true);
    unsubscribe.splice(0).forEach((undo) => void undo());
    expect(channel('tracing:nebula.credential:start').hasSubscribers).toBe(false);
    await provider.store('a', record('x'));
    expect(seen).toEqual([]);
  });
});

describe('canaries', () => {
  it('no value, key or token is in any error, metric or event', async () => {
    const value = 'canary-value-4711';
    const key = Buffer.from('canary-key-0123456789-0123456789');
    const driver = new MapDriver();
    const provider = createProvider(driver, { retry: { baseDelay: 0, maxRetries: 1 } });
    const manager = new CredentialManager({
      provider,
      encryption: new EncryptionManager({ primary: await EncryptionKey.fromBytes(key) }),
    });
    const seen = subscribe();
    const errors: unknown[] = [];
    const attempt = async (call: () => Promise<unknown>) => errors.push(await rejection(call()));
    await manager.store('a', value);
    await manager.retrieve('a');
    await attempt(() => manager.store('a', value, { ifAbsent: true }));
    await attempt(() => manager.store(`${value}!`, 'a'));
    await attempt(() => manager.store('a', `${value}\ud800`));
    driver.interference.before = () => {
      throw Object.assign(new Error(`${value} ${key}`), { headers: { 'x-vault-token': value } });
    };
    await attempt(() => manager.store('a', value));
    await attempt(() => manager.retrieve('a'));
    await attempt(() => manager.delete('a'));
    await attempt(() => collect(manager.entries()));
    driver.interference.before = () => {
      throw new BackendError({ code: 'UNAVAILABLE' });
    };
    await attempt(() => manager.retrieve('a'));
    const all = { seen, errors, metrics: provider.metrics.snapshot(), manager, provider };
    const shown = [inspect(all, { depth: 20, showHidden: true, maxStringLength: null }), JSON.stringify(all)];
    expect(errors).toHaveLength(8);
    for (const text of shown) {
      for (const secret of [value, key.toString(), 'hunter2']) {
        for (const form of [secret, Buffer.from(secret).toString('base64').slice(0, 20)]) {
          expect(text).not.toContain(form);
        }
      }
    }
  });
});

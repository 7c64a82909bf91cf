/** Deadlines, races with a signal, and the queue for a place: what they hold, they give back. */
import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { ConcurrencyLimit } from '../src/concurrency.ts';
import { Deadline, raceSignal, sleep } from '../src/deadline.ts';
import { CredentialManager, createProvider, EncryptionKey, EncryptionManager } from '../src/index.ts';
import { BackendError, collect, MapDriver, record, rejection, turn } from './support.ts';
import { VersionedDriver } from './versioned-driver.ts';

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

describe('Deadline', () => {
  it('ends with TIMEOUT when its time is over', async () => {
    using deadline = new Deadline(1);
    expect(deadline.remaining()).toBeGreaterThan(0);
    const reason = await rejection(raceSignal(deadline.signal, () => new Promise(() => undefined)));
    expect(reason).toMatchObject({ code: 'TIMEOUT', timeoutMs: 1 });
    expect(deadline.remaining()).toBe(0);
  });

  it('ends with ABORTED and the reason of the caller', () => {
    const controller = new AbortController();
    using deadline = new Deadline(60_000, controller.signal);
    controller.abort('why');
    expect(deadline.signal.reason).toMatchObject({ code: 'ABORTED', cause: 'why' });
    expect(deadline.remaining()).toBe(0);
    using late = new Deadline(60_000, controller.signal);
    expect(late.signal.aborted).toBe(true);
  });

  it('gives back its listener', () => {
    const { signal } = new AbortController();
    {
      using _deadline = new Deadline(60_000, signal);
      expect(listeners(signal)).toBe(1);
    }
    expect(listeners(signal)).toBe(0);
  });
});

describe('raceSignal and sleep', () => {
  it('give back their listener, however they end', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    await raceSignal(signal, async () => 1);
    await rejection(raceSignal(signal, () => Promise.reject(new Error('x'))));
    await rejection(
      raceSignal(signal, () => {
        throw new Error('x');
      }),
    );
    await sleep(0, signal);
    expect(listeners(signal)).toBe(0);
    const waiting = rejection(sleep(60_000, signal));
    expect(listeners(signal)).toBe(1);
    controller.abort('why');
    expect(await waiting).toBe('why');
    expect(listeners(signal)).toBe(0);
    expect(await rejection(sleep(60_000, signal))).toBe('why');
  });
});

describe('ConcurrencyLimit', () => {
  it('lets so many run at a time, the others in order', async () => {
    const limit = new ConcurrencyLimit(2);
    const { signal } = new AbortController();
    const order: number[] = [];
    let running = 0;
    let most = 0;
    const task = (n: number) =>
      limit.run(signal, async () => {
        order.push(n);
        running += 1;
        most = Math.max(most, running);
        await turn();
        running -= 1;
        return n;
      });
    const results = await Promise.all(Array.from({ length: 20 }, (_, n) => task(n)));
    expect(results).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(order).toEqual(results);
    expect(most).toBe(2);
    expect(listeners(signal)).toBe(0);
  });

  it('is left by those who abort, and goes on with the next', async () => {
    const limit = new ConcurrencyLimit(1);
    const patient = new AbortController();
    const hasty = new AbortController();
    const gate = Promise.withResolvers<void>();
    const order: string[] = [];
    const first = limit.run(patient.signal, () => gate.promise);
    const second = rejection(limit.run(hasty.signal, async () => order.push('second')));
    const third = limit.run(patient.signal, async () => order.push('third'));
    hasty.abort('enough');
    expect(await second).toBe('enough');
    gate.resolve();
    await Promise.all([first, third]);
    expect(order).toEqual(['third']);
    expect([listeners(patient.signal), listeners(hasty.signal)]).toEqual([0, 0]);
  });

  it('does not let in who aborted before, and does not wait for a place to say so', async () => {
    const limit = new ConcurrencyLimit(1);
    const gate = Promise.withResolvers<void>();
    const first = limit.run(new AbortController().signal, () => gate.promise);
    expect(await rejection(limit.run(AbortSignal.abort('no'), async () => 1))).toBe('no');
    gate.resolve();
    await first;
    expect(await rejection(limit.run(AbortSignal.abort('no'), async () => 1))).toBe('no');
  });

  it('loses no place: to failures, throws, aborts at any moment', async () => {
    const limit = new ConcurrencyLimit(3);
    const tasks = Array.from({ length: 300 }, async (_, n) => {
      const controller = new AbortController();
      const running = limit.run(controller.signal, async () => {
        await turn();
        if (n % 3 === 0) {
          throw new Error('x');
        }
      });
      if (n % 4 === 0) {
        await turn();
        controller.abort();
      } else if (n % 7 === 0) {
        controller.abort();
      }
      await running.catch(() => undefined);
      return listeners(controller.signal);
    });
    expect(new Set(await Promise.all(tasks))).toEqual(new Set([0]));
    let running = 0;
    const gate = Promise.withResolvers<void>();
    const { signal } = new AbortController();
    const all = Array.from({ length: 4 }, () =>
      limit.run(signal, () => {
        running += 1;
        return gate.promise;
      }),
    );
    await turn();
    expect(running).toBe(3);
    gate.resolve();
    await Promise.all(all);
  });
});

describe('the signal of a caller', () => {
  it('keeps no listener of any operation', async () => {
    const { signal } = new AbortController();
    const driver = new MapDriver();
    let count = 0;
    driver.interference.before = () => {
      count += 1;
      if (count % 3 === 0) {
        throw new BackendError({ code: 'UNAVAILABLE' });
      }
    };
    const provider = createProvider(driver, { retry: { baseDelay: 0, maxRetries: 1 }, maxConcurrency: 2 });
    const options = { signal };
    await Promise.allSettled(
      Array.from({ length: 30 }, (_, n) => [
        provider.connect(options),
        provider.check(options),
        provider.store(`a${n}`, record('x'), {}, options),
        provider.retrieve(`a${n}`, {}, options),
        provider.head(`a${n}`, {}, options),
        provider.exists(`a${n}`, {}, options),
        provider.delete(`a${n}`, {}, options),
        collect(provider.entries({}, {}, options)),
      ]).flat(),
    );
    expect(listeners(signal)).toBe(0);
    await provider.close();
    await rejection(provider.retrieve('a', {}, options));
    expect(listeners(signal)).toBe(0);
  });

  it('keeps none of a listing that was left, of a watch, or of a rotation', async () => {
    const { signal } = new AbortController();
    const options = { signal };
    const provider = createProvider(new VersionedDriver());
    const manager = new CredentialManager({
      provider,
      encryption: new EncryptionManager({ primary: EncryptionKey.generate() }),
    });
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => manager.store(id, 'x', options)));
    for await (const _ of manager.list({}, options)) {
      break;
    }
    await manager.rotateKeys(options);
    const watch = provider.watch?.({}, {}, options)[Symbol.asyncIterator]();
    const next = watch?.next();
    await turn();
    await manager.store('f', 'x');
    expect((await next)?.value).toMatchObject({ type: 'stored', id: 'f' });
    await watch?.return?.();
    expect(listeners(signal)).toBe(0);
  });

  it('ends a watch with ABORTED and its reason', async () => {
    const controller = new AbortController();
    const provider = createProvider(new VersionedDriver());
    const watch = provider.watch?.({}, {}, { signal: controller.signal })[Symbol.asyncIterator]();
    const next = watch?.next() ?? Promise.resolve();
    await turn();
    controller.abort('enough');
    expect(await rejection(next)).toMatchObject({ code: 'ABORTED', operation: 'watch', cause: 'enough' });
    expect(await watch?.next()).toEqual({ done: true, value: undefined });
  });

  it('may be of another realm, or of a polyfill', async () => {
    class Foreign extends EventTarget {
      aborted = false;
      reason: unknown;
      abort(reason: unknown): void {
        this.aborted = true;
        this.reason = reason;
        this.dispatchEvent(new Event('abort'));
      }
    }
    const foreign = new Foreign();
    const signal = foreign as never as AbortSignal;
    const driver = new VersionedDriver();
    const provider = createProvider(driver);
    await provider.connect({ signal });
    const next = provider.watch?.({}, {}, { signal })[Symbol.asyncIterator]().next() ?? Promise.resolve();
    await turn();
    driver.read = (call) => call.request('read', () => new Promise(() => undefined));
    const reading = rejection(provider.retrieve('a', {}, { signal }));
    foreign.abort('enough');
    expect(await reading).toMatchObject({ code: 'ABORTED', cause: 'enough' });
    expect(await rejection(next)).toMatchObject({ code: 'ABORTED', cause: 'enough' });
    const late = rejection(collect(provider.watch?.({}, {}, { signal }) ?? collectable()));
    expect(await late).toMatchObject({ code: 'ABORTED', cause: 'enough' });
    expect(listeners(signal)).toBe(0);
  });

  async function* collectable(): AsyncIterable<never> {}

  it('resumes a watch after the cursor of a change', async () => {
    const provider = createProvider(new VersionedDriver());
    for (const id of ['a', 'b', 'c']) {
      await provider.store(id, record('x'));
    }
    const watch = provider.watch?.({}, {}, { cursor: '0' })[Symbol.asyncIterator]();
    expect([(await watch?.next())?.value.id, (await watch?.next())?.value.id]).toEqual(['b', 'c']);
    await watch?.return?.();
  });
});

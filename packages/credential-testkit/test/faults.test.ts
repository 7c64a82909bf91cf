import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { createProvider, type PipelineOptions, type StorageProvider } from '@nebula/credential-core';
import {
  type FaultPlan,
  injectFaults,
  MemoryDriver,
  MemoryStorage,
  MemoryStorageProvider,
  randomFaults,
  type ScriptLine,
  scriptedFaults,
} from '../src/index.ts';
import { recordOf } from './record.ts';

const fast: PipelineOptions = { retry: { baseDelay: 1, maxDelay: 2 } };

function faulty(plan: FaultPlan, storage: MemoryStorage, options: PipelineOptions = fast): StorageProvider {
  return createProvider(injectFaults(new MemoryDriver(storage), plan), options);
}

/** Waits for what happened in the storage while the reply to it is lost. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) {
    await setImmediate();
  }
}

describe('scripted faults', () => {
  it('before the call: nothing was done, and the request is repeated', async () => {
    const storage = new MemoryStorage();
    const script = scriptedFaults([{ kind: 'reset-before', step: 'put' }]);
    await using provider = faulty(script, storage);
    const record = recordOf();
    const revision = await provider.store('a', record);
    script.assertUsed();
    expect(script.log.map(({ step, fault }) => [step, fault?.kind])).toEqual([
      ['probe', undefined],
      ['put', 'reset-before'],
      ['look', undefined],
      ['put', undefined],
    ]);
    expect(await provider.retrieve('a')).toMatchObject({ record, revision });
  });

  it('after the call: it was done, is found by its writeId and not repeated', async () => {
    const storage = new MemoryStorage();
    const script = scriptedFaults([{ kind: 'reset-after', operation: 'store', step: 'put' }]);
    await using provider = faulty(script, storage);
    const record = recordOf();
    const revision = await provider.store('a', record, {}, { ifAbsent: true });
    script.assertUsed();
    expect(script.log.filter(({ step }) => step === 'put')).toHaveLength(1);
    expect(await provider.retrieve('a')).toMatchObject({ record, revision });
    const versions = await Array.fromAsync(provider.versions?.list('a') ?? []);
    expect(versions).toHaveLength(1);
  });

  it('after the call, with the look failing too: the look is repeated', async () => {
    const storage = new MemoryStorage();
    const script = scriptedFaults([
      { kind: 'reset-after', step: 'put' },
      { kind: 'unavailable', step: 'look' },
      { kind: 'throttle', step: 'look', retryAfterMs: 1 },
    ]);
    await using provider = faulty(script, storage);
    await provider.store('a', recordOf());
    script.assertUsed();
    expect(script.log.filter(({ step }) => step === 'put')).toHaveLength(1);
  });

  it('a lost reply of a write that somebody replaced is still a success, with the revision it had', async () => {
    const storage = new MemoryStorage();
    await using other = new MemoryStorageProvider({ storage });
    const record = recordOf();
    const plan: FaultPlan = {
      next: ({ step }) => (step === 'put' ? { kind: 'reset-after' } : { kind: 'latency', ms: 5 }),
    };
    await using provider = faulty(plan, storage);
    const storing = provider.store('a', record);
    await until(async () => other.exists('a'));
    await other.store('a', recordOf());
    const revision = await storing;
    const [, first] = await Array.fromAsync(other.versions?.list('a') ?? []);
    const old = await other.retrieve('a', {}, { version: first?.version });
    expect(old).toMatchObject({ record, revision });
  });

  it('a lost reply of a delete with ifRevision is no CONFLICT with the one who stores again', async () => {
    const storage = new MemoryStorage();
    await using other = new MemoryStorageProvider({ storage });
    const ifRevision = await other.store('a', recordOf());
    const plan: FaultPlan = {
      next: ({ step }) => (step === 'delete' ? { kind: 'reset-after' } : { kind: 'latency', ms: 5 }),
    };
    await using provider = faulty(plan, storage);
    const deleting = provider.delete('a', {}, { ifRevision });
    await until(async () => !(await other.exists('a')));
    const record = recordOf();
    await other.store('a', record);
    await expect(deleting).resolves.toBeUndefined();
    expect(await other.retrieve('a')).toMatchObject({ record });
  });

  it('without a history a lost reply that somebody wrote after is OUTCOME_UNKNOWN', async () => {
    const storage = new MemoryStorage({ history: false });
    await using other = new MemoryStorageProvider({ storage, without: ['versions'] });
    const plan: FaultPlan = {
      next: ({ step }) => (step === 'put' ? { kind: 'reset-after' } : { kind: 'latency', ms: 5 }),
    };
    await using provider = faulty(plan, storage);
    const storing = provider.store('a', recordOf());
    await until(async () => other.exists('a'));
    await other.store('a', recordOf());
    await expect(storing).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN', outcome: 'unknown' });
  });

  it('without a history a write that never arrived is repeated while nobody else writes', async () => {
    const storage = new MemoryStorage({ history: false });
    const script = scriptedFaults([{ kind: 'reset-before', step: 'put' }]);
    await using provider = faulty(script, storage);
    const record = recordOf();
    await provider.store('a', record);
    script.assertUsed();
    expect(await provider.retrieve('a')).toMatchObject({ record });
  });

  it('a restore whose reply is lost is done once', async () => {
    const storage = new MemoryStorage();
    const script = scriptedFaults([
      { kind: 'reset-after', step: 'restore-version' },
      { kind: 'reset-after', step: 'restore-deleted' },
    ]);
    await using provider = faulty(script, storage);
    await provider.store('a', recordOf());
    await provider.store('a', recordOf());
    await provider.versions?.restore('a', '1');
    await provider.delete('a');
    await provider.deleted?.restore('a');
    script.assertUsed();
    expect(await Array.fromAsync(provider.versions?.list('a') ?? [])).toHaveLength(4);
  });

  it.each<[ScriptLine, string, object]>([
    [{ kind: 'throttle' }, 'RATE_LIMITED', {}],
    [{ kind: 'throttle', retryAfterMs: 7 }, 'RATE_LIMITED', { retryAfterMs: 7 }],
    [{ kind: 'unavailable' }, 'UNAVAILABLE', {}],
    [{ kind: 'reset-before', outcome: 'not-applied' }, 'UNAVAILABLE', {}],
  ])('%j is %s when it is not repeated', async (fault, code, fields) => {
    await using provider = faulty(scriptedFaults([{ ...fault, step: 'get' }]), new MemoryStorage(), {
      retry: { maxRetries: 0 },
    });
    await expect(provider.retrieve('a')).rejects.toMatchObject({ code, ...fields, attempts: 1, step: 'get' });
  });

  it('silence ends with the caller, and the write that went through is found', async () => {
    const storage = new MemoryStorage();
    const script = scriptedFaults([{ kind: 'silence', step: 'put', applied: true }]);
    await using provider = faulty(script, storage);
    await using other = new MemoryStorageProvider({ storage });
    const controller = new AbortController();
    const record = recordOf();
    const storing = provider.store('a', record, {}, { signal: controller.signal });
    await until(async () => other.exists('a'));
    controller.abort();
    await expect(storing).rejects.toMatchObject({ code: 'ABORTED', outcome: 'unknown' });
  });

  it('silence ends with the attempt, and the write goes on', async () => {
    const storage = new MemoryStorage();
    const script = scriptedFaults([
      { kind: 'silence', step: 'put', applied: true },
      { kind: 'silence', step: 'get' },
    ]);
    await using provider = faulty(script, storage, {
      ...fast,
      attemptTimeouts: { read: 1_000, write: 1_000 },
    });
    const record = recordOf();
    await provider.store('a', record);
    expect(await provider.retrieve('a')).toMatchObject({ record });
    script.assertUsed();
    expect(script.log.filter(({ step }) => step === 'put')).toHaveLength(1);
  });

  it('assertUsed names the lines that are left', () => {
    const script = scriptedFaults([{ kind: 'pass' }, { kind: 'unavailable', step: 'never' }]);
    expect(script.next({ operation: 'store', step: 'put' })).toBeUndefined();
    expect(() => script.assertUsed()).toThrow(/never/);
  });

  it('keeps absent what the driver does not have', () => {
    const driver = new MemoryDriver(new MemoryStorage({ history: false, bin: false }), {
      without: ['scopes', 'watch'],
    });
    const wrapped = injectFaults(driver, scriptedFaults([]));
    const members = ['history', 'bin', 'scopes', 'watch', 'check', 'close'];
    expect(members.filter((member) => member in wrapped)).toEqual([]);
    expect('connect' in wrapped).toBe(true);
  });
});

describe('random faults', () => {
  it('are the same for the same seed and others for another', () => {
    const draw = (seed: number): unknown[] => {
      const plan = randomFaults({ seed });
      return Array.from({ length: 200 }, () => plan.next({ operation: 'store', step: 'put' }));
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('befall the given share, each kind equally often, half of the throttled with a Retry-After', () => {
    const plan = randomFaults({ seed: 7 });
    const total = 40_000;
    for (let drawn = 0; drawn < total; drawn += 1) {
      plan.next({ operation: 'store', step: 'put' });
    }
    const kinds = Map.groupBy(plan.log, ({ fault }) => fault?.kind ?? 'none');
    const share = (kind: string): number => (kinds.get(kind as never)?.length ?? 0) / total;
    expect(share('none')).toBeCloseTo(0.7, 1);
    for (const kind of ['throttle', 'unavailable', 'reset-before', 'reset-after']) {
      expect(share(kind)).toBeCloseTo(0.075, 1.5);
    }
    const waits = (kinds.get('throttle') ?? []).flatMap(({ fault }) =>
      fault?.kind === 'throttle' && fault.retryAfterMs !== undefined ? fault.retryAfterMs : [],
    );
    expect(waits.length / (kinds.get('throttle')?.length ?? 0)).toBeCloseTo(0.5, 1);
    expect(Math.min(...waits)).toBeGreaterThan(0);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1_000);
  });
});

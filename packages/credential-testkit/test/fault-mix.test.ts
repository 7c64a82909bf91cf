import { afterAll, describe, expect, it } from '@jest/globals';
import { createProvider, type StorageProvider } from '@nebula/credential-core';
import {
  describeConformance,
  type FaultPlan,
  injectFaults,
  MemoryDriver,
  MemoryStorage,
  randomFaults,
} from '../src/index.ts';

const full = process.env['NEBULA_FULL'] === '1';

for (const _ of Array.from({ length: full ? 5 : 1 })) {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const storage = new MemoryStorage();
  const mix = randomFaults({ seed, ...(!full && { maxRetryAfterMs: 3 }) });
  const options = {
    // With the 7 of the fault runs one request in 15,000 would give up, and a case tolerates none.
    retry: { maxRetries: 14, ...(!full && { baseDelay: 1, maxDelay: 3 }) },
    timeouts: { read: 60_000, write: 60_000 },
  };
  // Two seconds, which is all that connecting may take, are not always enough for what the mix asks it to wait.
  const afterConnecting: FaultPlan = {
    next: (request) => (request.operation === 'connect' ? undefined : mix.next(request)),
  };
  const both = (plan: FaultPlan): FaultPlan => ({
    next: (request) => plan.next(request) ?? afterConnecting.next(request),
  });
  const open = (plan: FaultPlan): StorageProvider =>
    createProvider(injectFaults(new MemoryDriver(storage), plan), options);

  describe(`with faults of seed ${seed}`, () => {
    describeConformance(
      { describe, it, afterAll },
      {
        name: 'MemoryStorageProvider',
        open: () => open(afterConnecting),
        openFaulty: (plan) => open(both(plan)),
        plant: (id, value) => storage.plant(id, value),
      },
    );

    it('every kind of fault was met', () => {
      const met = new Set(mix.log.map(({ fault }) => fault?.kind));
      expect([...met].sort()).toEqual(['reset-after', 'reset-before', 'throttle', 'unavailable', undefined]);
    });
  });
}

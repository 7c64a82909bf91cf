import { afterAll, describe, expect, it } from '@jest/globals';
import { createProvider } from '@nebula/credential-core';
import {
  type ConformanceHarness,
  describeConformance,
  injectFaults,
  MemoryDriver,
  MemoryStorage,
  MemoryStorageProvider,
  randomFaults,
  underFaults,
} from '../src/index.ts';

const runs = process.env['NEBULA_FULL'] === '1' ? 20 : 1;

for (let run = 0; run < runs; run += 1) {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const storage = new MemoryStorage();
  const mix = randomFaults({ seed, maxRetryAfterMs: 3 });
  const options = {
    retry: { maxRetries: 14, baseDelay: 1, maxDelay: 3 },
    timeouts: { read: 60_000, write: 60_000 },
  };
  const harness: ConformanceHarness = {
    name: 'MemoryStorageProvider',
    open: () => new MemoryStorageProvider({ storage }),
    openFaulty: (plan) => createProvider(injectFaults(new MemoryDriver(storage), plan), options),
    plant: (id, value) => storage.plant(id, value),
  };

  describe(`with seed ${seed}`, () => {
    describeConformance({ describe, it, afterAll }, underFaults(harness, mix));

    it('every kind of fault was met', () => {
      const met = new Set(mix.log.map(({ fault }) => fault?.kind));
      expect([...met].sort()).toEqual(['reset-after', 'reset-before', 'throttle', 'unavailable', undefined]);
    });
  });
}

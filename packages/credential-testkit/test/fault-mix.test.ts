import { afterAll, describe, expect, it } from '@jest/globals';
import { createProvider } from '@nebula/credential-core';
import {
  describeConformance,
  injectFaults,
  MemoryDriver,
  MemoryStorage,
  randomFaults,
} from '../src/index.ts';

const full = process.env['NEBULA_FULL'] === '1';
const seed = Math.floor(Math.random() * 2 ** 32);
const storage = new MemoryStorage();
const driver = new MemoryDriver(storage);
const plan = randomFaults({ seed, ...(!full && { maxRetryAfterMs: 3 }) });
const retry = full ? { maxRetries: 7 } : { maxRetries: 7, baseDelay: 1, maxDelay: 3 };

describe(`with faults of seed ${seed}`, () => {
  describeConformance(
    { describe, it, afterAll },
    {
      name: 'MemoryStorageProvider',
      open: () =>
        createProvider(injectFaults(driver, plan), {
          retry,
          timeouts: { read: 60_000, write: 60_000 },
        }),
      plant: (id, value) => storage.plant(id, value),
    },
  );

  it('met every kind of fault', () => {
    const met = new Set(plan.log.map(({ fault }) => fault?.kind));
    expect([...met].sort()).toEqual(['reset-after', 'reset-before', 'throttle', 'unavailable', undefined]);
    process.stderr.write(`${plan.log.length} attempts\n`);
  });
});

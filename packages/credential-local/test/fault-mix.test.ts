import { afterAll, describe, expect, it } from '@jest/globals';
import { createProvider } from '@nebula/credential-core';
import {
  type ConformanceHarness,
  describeConformance,
  injectFaults,
  randomFaults,
  underFaults,
} from '@nebula/credential-testkit';
import { LocalDriver } from '../src/driver.ts';
import { LocalStorageProvider } from '../src/provider.ts';
import { temporaryDirectories } from './directories.ts';

const temporaryDirectory = temporaryDirectories();

for (const [locking, versions] of [
  ['kernel', 3],
  ['file', 0],
] as const) {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const config = { directory: temporaryDirectory(), create: true, versions, locking };
  const mix = randomFaults({ seed, maxRetryAfterMs: 3 });
  const options = {
    retry: { maxRetries: 14, baseDelay: 1, maxDelay: 3 },
    timeouts: { read: 60_000, write: 60_000 },
  };
  const harness: ConformanceHarness = {
    name: `LocalStorageProvider with ${locking} locks and ${versions} versions`,
    open: () => new LocalStorageProvider(config),
    openFaulty: (plan) => createProvider(injectFaults(new LocalDriver(config), plan), options),
  };

  describe(`with seed ${seed}`, () => {
    describeConformance({ describe, it, afterAll }, underFaults(harness, mix));

    it('every kind of fault was met', () => {
      const met = new Set(mix.log.map(({ fault }) => fault?.kind));
      expect([...met].sort()).toEqual(['reset-after', 'reset-before', 'throttle', 'unavailable', undefined]);
    });
  });
}

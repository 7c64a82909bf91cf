import { afterAll, describe, expect, it } from '@jest/globals';
import { createProvider, type StorageProvider } from '@nebula/credential-core';
import { describeConformance, type FaultPlan, injectFaults, randomFaults } from '@nebula/credential-testkit';
import { LocalDriver } from '../src/driver.ts';
import { temporaryDirectories } from './directories.ts';

const full = process.env['NEBULA_FULL'] === '1';
const temporaryDirectory = temporaryDirectories();

for (const [locking, versions] of [
  ['kernel', 3],
  ['file', 0],
] as const) {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const directory = temporaryDirectory();
  const mix = randomFaults({ seed, ...(!full && { maxRetryAfterMs: 3 }) });
  const options = {
    // A case tolerates no failure; the 7 retries of the fault runs would let one request in 15,000 fail.
    retry: { maxRetries: 14, ...(!full && { baseDelay: 1, maxDelay: 3 }) },
    timeouts: { read: 60_000, write: 60_000 },
  };
  const afterConnecting: FaultPlan = {
    next: (request) => (request.operation === 'connect' ? undefined : mix.next(request)),
  };
  const open = (plan: FaultPlan): StorageProvider =>
    createProvider(
      injectFaults(new LocalDriver({ directory, create: true, versions, locking }), plan),
      options,
    );

  describe(`with faults of seed ${seed}`, () => {
    describeConformance(
      { describe, it, afterAll },
      {
        name: `LocalStorageProvider with ${locking} locks and ${versions} versions`,
        open: () => open(afterConnecting),
        openFaulty: (plan) =>
          open({ next: (request) => plan.next(request) ?? afterConnecting.next(request) }),
      },
    );

    it('every kind of fault was met', () => {
      const met = new Set(mix.log.map(({ fault }) => fault?.kind));
      expect([...met].sort()).toEqual(['reset-after', 'reset-before', 'throttle', 'unavailable', undefined]);
    });
  });
}

import { afterAll, describe, it } from '@jest/globals';
import { createProvider } from '@nebula/credential-core';
import { describeConformance, injectFaults } from '@nebula/credential-testkit';
import type { Locking } from '../src/config.ts';
import { LocalDriver } from '../src/driver.ts';
import { LocalStorageProvider } from '../src/provider.ts';
import { temporaryDirectories } from './directories.ts';

const temporaryDirectory = temporaryDirectories();

for (const [locking, versions] of [
  ['kernel', 0],
  ['file', 3],
] as const satisfies readonly (readonly [Locking, number])[]) {
  const directory = temporaryDirectory();
  describeConformance(
    { describe, it, afterAll },
    {
      name: `LocalStorageProvider with ${locking} locks and ${versions} versions`,
      open: () => new LocalStorageProvider({ directory, locking, versions }),
      openBroken: () => new LocalStorageProvider({ directory: `${directory}/absent`, create: false }),
      openFaulty: (plan) =>
        createProvider(injectFaults(new LocalDriver({ directory, locking, versions, create: true }), plan)),
    },
  );
}

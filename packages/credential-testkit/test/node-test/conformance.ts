import { after, describe, it } from 'node:test';
import { createProvider } from '@nebula/credential-core';
import {
  describeConformance,
  injectFaults,
  MemoryDriver,
  MemoryStorage,
  MemoryStorageProvider,
} from '../../src/index.ts';

const storage = new MemoryStorage();

describeConformance(
  { describe, it, afterAll: after },
  {
    name: 'MemoryStorageProvider',
    open: () => new MemoryStorageProvider({ storage }),
    openFaulty: (plan) => createProvider(injectFaults(new MemoryDriver(storage), plan)),
    plant: (id, value) => storage.plant(id, value),
  },
);

import { afterAll, describe, it } from '@jest/globals';
import { describeConformance, MemoryStorage, MemoryStorageProvider } from '../src/index.ts';

const storage = new MemoryStorage();

describeConformance(
  { describe, it, afterAll },
  {
    name: 'MemoryStorageProvider',
    open: () => new MemoryStorageProvider({ storage }),
    plant: (id, value) => storage.plant(id, value),
  },
);

import { afterAll, describe, expect, it } from '@jest/globals';
import { createProvider } from '@nebula/credential-core';
import {
  describeConformance,
  injectFaults,
  MemoryDriver,
  MemoryStorage,
  MemoryStorageProvider,
  type SwitchableCapability,
} from '../src/index.ts';
import { switchable } from '../src/memory/config.ts';

const configurations: readonly (readonly SwitchableCapability[])[] = [
  ...switchable.map((capability) => [capability]),
  [...switchable],
  ['ifRevision', 'deleteIfRevision'],
  ['versions', 'deleted'],
];

for (const without of configurations) {
  const storage = new MemoryStorage({
    history: !without.includes('versions'),
    bin: !without.includes('deleted'),
  });
  const open = (): MemoryStorageProvider => new MemoryStorageProvider({ storage, without, pageSize: 7 });

  describe(`without ${without.join(', ')}`, () => {
    it('says so', () => {
      const { capabilities } = open();
      expect(switchable.filter((capability) => !capabilities[capability])).toEqual(
        switchable.filter((capability) => without.includes(capability)),
      );
    });

    describeConformance(
      { describe, it, afterAll },
      {
        name: 'MemoryStorageProvider',
        open,
        openFaulty: (plan) =>
          createProvider(injectFaults(new MemoryDriver(storage, { without, pageSize: 7 }), plan), {
            retry: { baseDelay: 1 },
          }),
        plant: (id, value) => storage.plant(id, value),
        sizes: { racers: 10, reads: 50, entries: 40 },
      },
    );
  });
}

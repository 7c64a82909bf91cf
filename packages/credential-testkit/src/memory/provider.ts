import { DriverProvider, parseWith } from '@nebula/credential-core';
import { type MemoryProviderOptions, memoryProviderSchema } from './config.ts';
import { MemoryDriver } from './driver.ts';
import { MemoryStorage } from './storage.ts';

/**
 * Keeps credentials in memory, for tests. Behaves as a backend does: pages, revisions, versions, soft delete, changes,
 * and any capability can be switched off. Gone with the process.
 */
export class MemoryStorageProvider extends DriverProvider {
  /** @throws ValidationError INVALID_CONFIG, with every problem at once. */
  constructor(options: MemoryProviderOptions = {}) {
    const config = parseWith(
      memoryProviderSchema,
      options,
      'INVALID_CONFIG',
      'MemoryStorageProvider options',
    );
    const { without = [], maxRecordBytes, pageSize, storage, ...pipeline } = config;
    const backend =
      storage ??
      new MemoryStorage({ history: !without.includes('versions'), bin: !without.includes('deleted') });
    super(new MemoryDriver(backend, { without, maxRecordBytes, pageSize }), pipeline);
  }
}

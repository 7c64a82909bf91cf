export type { MemoryDriverOptions, MemoryProviderOptions, SwitchableCapability } from './memory/config.ts';
export { MemoryDriver } from './memory/driver.ts';
export { MemoryStorageProvider } from './memory/provider.ts';
export { MemoryStorage, type MemoryStorageOptions } from './memory/storage.ts';

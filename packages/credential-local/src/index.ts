export type { LocalStorageOptions, Locking } from './config.ts';
export { LocalStorageProvider } from './provider.ts';
export { providerFromUrl } from './url.ts';

import { fileURLToPath } from 'node:url';
import { type ProviderUrl, type StorageProvider, ValidationError } from '@nebula/credential-core';
import type { LocalStorageOptions } from './config.ts';
import { LocalStorageProvider } from './provider.ts';

/**
 * Makes a provider of `local:///var/lib/app/credentials?versions=5`; the query holds any option but `directory`.
 * @throws ValidationError INVALID_CONFIG
 */
export function providerFromUrl({ host, port, path, options }: ProviderUrl): StorageProvider {
  if (host !== '' || port !== undefined || !/^\/./.test(path)) {
    throw new ValidationError(
      'INVALID_CONFIG',
      'provider URL: must be local:// and the absolute path of a folder, as in local:///var/lib/app/credentials',
    );
  }
  if ('directory' in options) {
    throw new ValidationError(
      'INVALID_CONFIG',
      'provider URL: directory: is the path of the URL, not an option',
    );
  }
  // On Windows: /C:/data as C:\data.
  const file = new URL('file:///');
  file.pathname = path.replaceAll('%', '%25');
  return new LocalStorageProvider({ ...options, directory: fileURLToPath(file) } as LocalStorageOptions);
}

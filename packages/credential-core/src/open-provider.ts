import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { hasCode, ValidationError } from './errors.ts';
import type { StorageProvider } from './provider.ts';
import { type ProviderUrl, parseProviderUrl } from './provider-url.ts';
import { suggest } from './validation.ts';

/** What a backend package exports for {@link openProvider}. */
export interface ProviderModule {
  /** Makes a provider of a URL with the package's scheme. Does no I/O. */
  readonly providerFromUrl: (url: ProviderUrl) => StorageProvider;
}

export interface OpenProviderOptions {
  /**
   * The package for each scheme: `{ aws: () => import('@nebula/credential-aws') }`. Works with bundlers and strict
   * package managers. Without it the package `@nebula/credential-<scheme>` is looked up at run time.
   */
  readonly drivers?: Readonly<Record<string, () => Promise<ProviderModule>>> | undefined;
  /** Folder (with a slash at its end), file or file URL to look the package up from. Default: the working directory. */
  readonly from?: string | URL | undefined;
}

/**
 * Makes a provider of one URL: `local:///var/lib/app/credentials`.
 * @throws ValidationError INVALID_CONFIG: every problem of the URL, an unknown scheme, a package that is not installed
 */
export async function openProvider(
  url: string | URL,
  { drivers, from = `${process.cwd()}/` }: OpenProviderOptions = {},
): Promise<StorageProvider> {
  const parsed = parseProviderUrl(url);
  const { scheme } = parsed;
  const load = drivers === undefined ? () => importDriver(scheme, from) : own(drivers, scheme);
  if (load === undefined) {
    throw new ValidationError(
      'INVALID_CONFIG',
      `provider URL: no driver is given for the scheme "${scheme}"; ${suggest(scheme, Object.keys(drivers ?? {}))}`,
    );
  }
  const module = await load();
  if (typeof module?.providerFromUrl !== 'function') {
    throw new ValidationError(
      'INVALID_CONFIG',
      `provider URL: the driver for "${scheme}" exports no providerFromUrl`,
    );
  }
  return module.providerFromUrl(parsed);
}

function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

async function importDriver(scheme: string, from: string | URL): Promise<ProviderModule> {
  const name = `@nebula/credential-${scheme}`;
  let path: string;
  try {
    path = createRequire(from).resolve(name);
  } catch (cause) {
    throw new ValidationError(
      'INVALID_CONFIG',
      `provider URL: the package ${name} cannot be found from ${from}`,
      {
        remedy: `Run: npm install ${name}`,
        cause,
      },
    );
  }
  try {
    return (await import(pathToFileURL(path).href)) as ProviderModule;
  } catch (cause) {
    if (hasCode(cause, 'INVALID_CONFIG')) {
      throw cause;
    }
    throw new ValidationError('INVALID_CONFIG', `provider URL: the package ${name} cannot be loaded`, {
      cause,
    });
  }
}

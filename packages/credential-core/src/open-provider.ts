import { createRequire } from 'node:module';
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as v from 'valibot';
import { hasCode, ValidationError } from './errors.ts';
import type { StorageProvider } from './provider.ts';
import { type ProviderUrl, parseProviderUrl } from './provider-url.ts';
import { isRecord, optionsSchema, parseWith, shapeOf, suggest } from './validation.ts';

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

const optionsOfOpen: v.GenericSchema<unknown, OpenProviderOptions> = optionsSchema({
  drivers: v.optional(
    v.pipe(
      v.custom<object>(isRecord, (issue) => `must be an object of functions, got ${shapeOf(issue.input)}`),
      v.record(
        v.string(),
        v.function((issue) => `must be a function that imports a package, got ${shapeOf(issue.input)}`),
      ),
    ),
  ),
  from: v.optional(
    v.custom<string | URL>(
      (value) =>
        value instanceof URL
          ? value.protocol === 'file:'
          : typeof value === 'string' && (isAbsolute(value) || value.startsWith('file:///')),
      (issue) => `must be an absolute path or a file URL, got ${shapeOf(issue.input)}`,
    ),
  ),
}) as never;

/** Schemes with a package of this project. */
const ownSchemes = ['local', 'aws', 'azure', 'vault', 'k8s'];

/**
 * Makes a provider of one URL: `local:///var/lib/app/credentials`.
 * @throws ValidationError INVALID_CONFIG: every problem of the URL, an unknown scheme, a package that is not installed
 */
export async function openProvider(
  url: string | URL,
  options: OpenProviderOptions = {},
): Promise<StorageProvider> {
  const { drivers, from = `${process.cwd()}/` } = parseWith(
    optionsOfOpen,
    options,
    'INVALID_CONFIG',
    'openProvider options',
  );
  const parsed = parseProviderUrl(url);
  const { scheme } = parsed;
  const load = drivers === undefined ? () => importDriver(scheme, from) : own(drivers, scheme);
  if (load === undefined) {
    throw new ValidationError(
      'INVALID_CONFIG',
      `provider URL: no driver is given for the scheme "${scheme}"; ${suggest(scheme, Object.keys(drivers ?? {}))}`,
    );
  }
  const module = await loaded(scheme, load);
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

async function loaded(scheme: string, load: () => Promise<ProviderModule>): Promise<ProviderModule> {
  try {
    return await load();
  } catch (cause) {
    if (hasCode(cause, 'INVALID_CONFIG')) {
      throw cause;
    }
    throw new ValidationError('INVALID_CONFIG', `provider URL: the driver for "${scheme}" cannot be loaded`, {
      remedy: 'The cause says why; install the package again with everything that it depends on.',
      cause,
    });
  }
}

async function importDriver(scheme: string, from: string | URL): Promise<ProviderModule> {
  const name = `@nebula/credential-${scheme}`;
  let path: string;
  try {
    path = createRequire(from).resolve(name);
  } catch (cause) {
    // Of a misspelt scheme the package must not be suggested: who knows what has that name.
    throw ownSchemes.includes(scheme)
      ? new ValidationError(
          'INVALID_CONFIG',
          `provider URL: the package ${name} cannot be found from ${from}`,
          { remedy: `Run: npm install ${name}`, cause },
        )
      : new ValidationError(
          'INVALID_CONFIG',
          `provider URL: no package is known for the scheme "${scheme}"; ${suggest(scheme, ownSchemes)}`,
          { remedy: 'Correct the scheme, or pass its driver in the option drivers.', cause },
        );
  }
  return (await import(pathToFileURL(path).href)) as ProviderModule;
}

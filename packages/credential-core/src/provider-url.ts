import { ValidationError, type ValidationIssue } from './errors.ts';
import { shapeOf, validationError } from './validation.ts';

/** A provider URL, taken apart. */
export interface ProviderUrl {
  /** Without the colon; names the backend package. */
  readonly scheme: string;
  /** Host name without port; empty when there is none. */
  readonly host: string;
  readonly port: number | undefined;
  /** Decoded, with its leading slash; empty when there is none. */
  readonly path: string;
  /**
   * The query as an options object: `retry.maxRetries=3` becomes `{ retry: { maxRetries: 3 } }`; whole numbers, `true`
   * and `false` become what they look like, everything else stays a string.
   */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Query parameters that would put a secret into a URL; their `...File` and `...Env` forms do not match. */
const secretParameter =
  /(?:password|passphrase|secret|secretid|token|jwt|(?:access|api|private|encryption|secret)key)$/i;

const example = 'local:///var/lib/app/credentials';
const notEncoded = 'has a % that does not begin a character encoded in UTF-8';

/**
 * Takes a provider URL apart. Messages never hold the URL: it may carry a secret by mistake.
 * @throws ValidationError INVALID_CONFIG with every problem at once
 */
export function parseProviderUrl(input: string | URL): ProviderUrl {
  const url =
    input instanceof URL
      ? input
      : typeof input === 'string' && URL.canParse(input)
        ? new URL(input)
        : undefined;
  if (url === undefined) {
    throw new ValidationError(
      'INVALID_CONFIG',
      `provider URL: must be like ${example}, got ${shapeOf(input)}`,
    );
  }
  const issues: ValidationIssue[] = [];
  const report = (path: string, message: string): void => {
    issues.push({ path, message });
  };
  const scheme = url.protocol.slice(0, -1);
  if (!/^[a-z][a-z0-9-]*$/.test(scheme)) {
    report('scheme', 'must be of a-z 0-9 - and begin with a letter');
  }
  if (url.username !== '' || url.password !== '') {
    report(
      'user information',
      'is refused: secrets do not belong into a URL; use a ...File or ...Env parameter',
    );
  }
  if (url.hash !== '') {
    report('fragment', 'is not used; write a # in a path as %23');
  }
  const path = decoded(url.pathname);
  if (path === undefined) {
    report('path', notEncoded);
  } else if (path !== '' && !path.startsWith('/')) {
    report('path', `must begin after two slashes: ${example}`);
  }
  if (decoded(url.search) === undefined) {
    report('query', notEncoded);
  }
  const options = optionsOf(url.searchParams, report);
  if (issues.length > 0) {
    throw validationError('INVALID_CONFIG', 'provider URL', issues);
  }
  return {
    scheme,
    host: url.hostname,
    port: url.port === '' ? undefined : Number(url.port),
    path: path ?? '',
    options,
  };
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

function optionsOf(
  parameters: URLSearchParams,
  report: (path: string, message: string) => void,
): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const name of new Set(parameters.keys())) {
    const values = parameters.getAll(name);
    const keys = name.split('.');
    if (values.length > 1) {
      report(name, 'is given more than once');
    } else if (secretParameter.test(name)) {
      report(name, `would put a secret into a URL: use ${name}File or ${name}Env`);
    } else if (!keys.every((key) => /^[A-Za-z][A-Za-z0-9]*$/.test(key) && !(key in Object.prototype))) {
      report(name.slice(0, 64), 'is not the name of an option');
    } else if (!assign(options, keys, valueOfText(values[0] ?? ''))) {
      report(name, 'is given both as a value and as a group');
    }
  }
  return options;
}

function assign(options: Record<string, unknown>, keys: readonly string[], value: unknown): boolean {
  const [key, ...rest] = keys as [string, ...string[]];
  if (rest.length === 0) {
    const free = !(key in options);
    options[key] ??= value;
    return free;
  }
  options[key] ??= {};
  const group = options[key];
  return typeof group === 'object' && assign(group as Record<string, unknown>, rest, value);
}

function valueOfText(text: string): string | number | boolean {
  // A leading zero is part of a name: of an account, say.
  if (/^(?:0|[1-9]\d{0,14})$/.test(text)) {
    return Number(text);
  }
  return text === 'true' || text === 'false' ? text === 'true' : text;
}

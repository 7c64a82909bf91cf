import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createProvider,
  openProvider,
  type ProviderUrl,
  parseProviderUrl,
  type StorageProvider,
  ValidationError,
} from '../src/index.ts';
import { MapDriver, rejection } from './support.ts';

describe('parseProviderUrl', () => {
  it.each<[string, Partial<ProviderUrl>]>([
    [
      'local:///var/lib/app/credentials',
      { scheme: 'local', host: '', port: undefined, path: '/var/lib/app/credentials' },
    ],
    ['aws://eu-west-1/app/credentials/', { scheme: 'aws', host: 'eu-west-1', path: '/app/credentials/' }],
    ['azure://my-vault.vault.azure.net/app-', { host: 'my-vault.vault.azure.net', path: '/app-' }],
    ['vault://vault.example.com:8200/secret/app', { host: 'vault.example.com', port: 8_200 }],
    ['vault://[::1]:8200/secret', { host: '[::1]', port: 8_200 }],
    ['k8s://my-namespace', { scheme: 'k8s', host: 'my-namespace', path: '' }],
    ['k8s:///', { host: '', path: '/' }],
    ['local:///a%20b/%C3%A4/%23', { path: '/a b/ä/#' }],
    ['LOCAL:///Case', { scheme: 'local', path: '/Case' }],
  ])('takes %s apart', (url, expected) => {
    expect(parseProviderUrl(url)).toMatchObject({ options: {}, ...expected });
    expect(parseProviderUrl(new URL(url))).toEqual(parseProviderUrl(url));
  });

  it.each<[string, Record<string, unknown>]>([
    ['', {}],
    ['?', {}],
    ['?a=1&b=true&c=false&d=x', { a: 1, b: true, c: false, d: 'x' }],
    ['?a=0&b=007&c=-1&d=1.5&e=1e3', { a: 0, b: '007', c: '-1', d: '1.5', e: '1e3' }],
    ['?a=999999999999999&b=1000000000000000', { a: 999_999_999_999_999, b: '1000000000000000' }],
    ['?a=&b', { a: '', b: '' }],
    ['?a=x%26y%3Dz+w', { a: 'x&y=z w' }],
    [
      '?retry.maxRetries=3&retry.jitter=none&timeouts.read=1000',
      { retry: { maxRetries: 3, jitter: 'none' }, timeouts: { read: 1_000 } },
    ],
    [
      '?secretIdFile=/run/secret&tokenEnv=TOKEN&auth=approle',
      { secretIdFile: '/run/secret', tokenEnv: 'TOKEN', auth: 'approle' },
    ],
    ['?kmsKeyId=alias/app', { kmsKeyId: 'alias/app' }],
  ])('reads the options of %s', (query, options) => {
    expect(parseProviderUrl(`vault://h/s${query}`).options).toEqual(options);
  });

  it('touches no prototype', () => {
    for (const name of ['__proto__.polluted', 'constructor.prototype.polluted', 'a.__proto__.polluted']) {
      expect(() => parseProviderUrl(`local:///a?${name}=1`)).toThrow(ValidationError);
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('openProvider with drivers', () => {
  it('makes the provider of the scheme, and loads no other', async () => {
    const loaded: string[] = [];
    const urls: ProviderUrl[] = [];
    const driver = (name: string) => async () => {
      loaded.push(name);
      return {
        providerFromUrl: (url: ProviderUrl): StorageProvider => {
          urls.push(url);
          return createProvider(new MapDriver());
        },
      };
    };
    const provider = await openProvider('map://host/path?x=1', {
      drivers: { map: driver('map'), aws: driver('aws') },
    });
    expect([provider.name, provider.state, loaded]).toEqual(['map', 'configured', ['map']]);
    expect(urls).toEqual([
      { scheme: 'map', host: 'host', port: undefined, path: '/path', options: { x: 1 } },
    ]);
  });

  it('passes on what the driver says of the URL', async () => {
    const refusal = new ValidationError('INVALID_CONFIG', 'no such region');
    const map = async () => ({
      providerFromUrl: (): StorageProvider => {
        throw refusal;
      },
    });
    expect(await rejection(openProvider('map:///a', { drivers: { map } }))).toBe(refusal);
  });

  it('says which driver cannot be loaded, and why', async () => {
    const cause = new Error('Cannot find package');
    const map = () => Promise.reject(cause);
    expect(await rejection(openProvider('map:///a', { drivers: { map } }))).toMatchObject({
      code: 'INVALID_CONFIG',
      message: 'INVALID_CONFIG: provider URL: the driver for "map" cannot be loaded',
      cause,
    });
    const refusal = new ValidationError('INVALID_CONFIG', 'not here');
    const refusing = () => Promise.reject(refusal);
    expect(await rejection(openProvider('map:///a', { drivers: { map: refusing } }))).toBe(refusal);
  });
});

describe('openProvider with packages found at run time', () => {
  let folder: string;

  const install = async (scheme: string, source: string, main = 'index.js') => {
    const home = join(folder, 'node_modules', '@nebula', `credential-${scheme}`);
    await mkdir(home, { recursive: true });
    const manifest = { name: `@nebula/credential-${scheme}`, type: 'module', exports: { '.': `./${main}` } };
    await writeFile(join(home, 'package.json'), JSON.stringify(manifest));
    await writeFile(join(home, 'index.js'), source);
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nebula-open-'));
    await install('aws', 'export const providerFromUrl = (url) => ({ name: "fake", url });');
    await install('azure', 'throw new Error("does not run here");');
    await install('vault', 'export const somethingElse = 1;');
    await install('local', '', 'missing.js');
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('looks from a folder, a file or a file URL', async () => {
    const forms = [`${folder}/`, join(folder, 'app.js'), pathToFileURL(`${folder}/`).href];
    for (const from of forms) {
      expect(await opened('aws://eu-west-1/app', from)).toEqual({
        provider: { name: 'fake', url: { scheme: 'aws', host: 'eu-west-1', path: '/app', options: {} } },
      });
    }
  });

  it('says what cannot be found, and how to install it', async () => {
    const from = `${folder}/`;
    for (const scheme of ['k8s', 'local']) {
      expect(await opened(`${scheme}:///a`, from)).toMatchObject({
        code: 'INVALID_CONFIG',
        message: `INVALID_CONFIG: provider URL: the package @nebula/credential-${scheme} cannot be found from ${from}`,
        remedy: `Run: npm install @nebula/credential-${scheme}`,
        cause: { code: 'MODULE_NOT_FOUND' },
      });
    }
  });

  it('says which package is there and cannot be loaded', async () => {
    expect(await opened('azure://h/a', `${folder}/`)).toMatchObject({
      code: 'INVALID_CONFIG',
      message: 'INVALID_CONFIG: provider URL: the driver for "azure" cannot be loaded',
      cause: { message: 'does not run here' },
    });
  });

  it('says which package is no driver', async () => {
    expect(await opened('vault://h/s', `${folder}/`)).toMatchObject({
      code: 'INVALID_CONFIG',
      message: 'INVALID_CONFIG: provider URL: the driver for "vault" exports no providerFromUrl',
    });
  });

  it('takes a package of somebody else that is named like ours', async () => {
    await install('consul', 'export const providerFromUrl = () => ({ name: "consul" });');
    expect(await opened('consul://h/s', `${folder}/`)).toEqual({ provider: { name: 'consul' } });
  });
});

const script = fileURLToPath(new URL('./open-provider-process.ts', import.meta.url));

async function opened(url: string, from: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', script, url, from]);
  return JSON.parse(stdout);
}

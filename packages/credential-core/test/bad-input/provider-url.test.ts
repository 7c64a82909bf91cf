import { describe, expect, it } from '@jest/globals';
import { createProvider, openProvider } from '../../src/index.ts';
import { MapDriver } from '../support.ts';

import { type Call, canary, failing, type Row, table, wrong } from './table.ts';

describe('provider URLs', () => {
  const open =
    (url: unknown, options?: unknown): Call =>
    () =>
      openProvider(wrong(url), wrong(options));
  const drivers = { map: async () => ({ providerFromUrl: () => createProvider(new MapDriver()) }) };
  const example = 'local:///var/lib/app/credentials';
  const encoding = 'a % that does not begin a character encoded in UTF-8';
  table('INVALID_CONFIG', [
    ['nothing', open(undefined), '', `must be like ${example}, got undefined`],
    ['an object', open({ url: canary }), '', 'got an object (Object)'],
    ['a path', open('/var/lib/app'), '', `must be like ${example}`],
    ['a path of Windows', open('C:\\credentials'), 'path', 'must begin after two slashes'],
    ['a path without slashes', open('local:credentials'), 'path', `must begin after two slashes: ${example}`],
    ['a secret in its place', open(canary), '', 'got a string of 15 characters'],
    ['a scheme with other characters', open('local+x:///a'), 'scheme', 'must be of a-z 0-9 -'],
    [
      'a user',
      open('vault://hunter2@example.com/secret'),
      'user information',
      'use a ...File or ...Env parameter',
    ],
    [
      'a password',
      open('vault://:hunter2@example.com/secret'),
      'user information',
      'secrets do not belong into a URL',
    ],
    ['a fragment', open('local:///a#hunter2'), 'fragment', 'write a # in a path as %23'],
    ['a bad encoding', open('local:///a%zz/hunter2'), 'path', encoding],
    ['a bad encoding of UTF-8', open('local:///a%ff'), 'path', encoding],
    ['a bad encoding in a parameter', open('local:///a?b=%zzhunter2'), 'query', encoding],
    [
      'a parameter twice',
      open('vault://h/s?namespace=hunter2&namespace=hunter2'),
      'namespace',
      'is given more than once',
    ],
    [
      'a parameter as value and group',
      open('local:///a?retry=hunter2&retry.maxRetries=3'),
      'retry.maxRetries',
      'both as a value and as a group',
    ],
    [
      'a parameter as group and value',
      open('local:///a?retry.maxRetries=3&retry=hunter2'),
      'retry',
      'both as a value and as a group',
    ],
    [
      'a parameter __proto__',
      open('local:///a?__proto__.x=hunter2'),
      '__proto__.x',
      'is not the name of an option',
    ],
    [
      'a parameter constructor',
      open('local:///a?constructor=hunter2'),
      'constructor',
      'is not the name of an option',
    ],
    ['a parameter without name', open('local:///a?=hunter2'), '', 'is not the name of an option'],
    ...[
      'token',
      'clientSecret',
      'secretId',
      'password',
      'passphrase',
      'apiKey',
      'secretAccessKey',
      'auth.jwt',
      'encryptionKey',
      'privateKey',
    ].map(
      (name): Row => [
        `a secret as ${name}`,
        open(`vault://h/s?${name}=hunter2`),
        name,
        `use ${name}File or ${name}Env`,
      ],
    ),
    [
      'a misspelt scheme of the drivers',
      open('mapp:///a', { drivers }),
      '',
      'no driver is given for the scheme "mapp"; did you mean "map"?',
    ],
    ['an unknown scheme of the drivers', open('https://a/b', { drivers }), '', 'valid are map'],
    [
      'a scheme of Object.prototype',
      open('constructor:///a', { drivers }),
      '',
      'no driver is given for the scheme "constructor"',
    ],
    [
      'a misspelt scheme',
      open('asw://eu-west-1/a', { from: '/' }),
      '',
      'no package is known for the scheme "asw"; did you mean "aws"?',
    ],
    ['an unknown scheme', open('gopher://a/b', { from: '/' }), '', 'valid are local, aws, azure, vault, k8s'],
    [
      'a package that is not there',
      open('aws://eu-west-1/a', { from: '/' }),
      '',
      'the package @nebula/credential-aws cannot be found from /',
    ],
    ['options null', open('map:///a', null), '', 'must be an object, got null'],
    ['a misspelt option', open('map:///a', { driver: drivers }), 'driver', 'did you mean "drivers"?'],
    [
      'drivers that are a Map',
      open('map:///a', { drivers: new Map() }),
      'drivers',
      'must be an object of functions',
    ],
    [
      'a driver that is a module',
      open('map:///a', { drivers: { map: {} } }),
      'drivers.map',
      'must be a function that imports a package',
    ],
    [
      'a driver without providerFromUrl',
      open('map:///a', { drivers: { map: async () => ({}) } }),
      '',
      'the driver for "map" exports no providerFromUrl',
    ],
    [
      'a driver that gives nothing',
      open('map:///a', { drivers: { map: async () => undefined } }),
      '',
      'exports no providerFromUrl',
    ],
    [
      'a relative folder',
      open('map:///a', { from: 'node_modules' }),
      'from',
      'must be an absolute path or a file URL',
    ],
    [
      'a URL of the web',
      open('map:///a', { from: new URL('https://example.com/') }),
      'from',
      'must be an absolute path or a file URL',
    ],
  ]);

  it('are reported with all their problems at once', async () => {
    const error = await failing(open('local://u:hunter2@h/a%zz?token=hunter2&a=1&a=2&x-y=3#hunter2'));
    expect(error.issues.map(({ path }) => path)).toEqual([
      'user information',
      'fragment',
      'path',
      'token',
      'a',
      'x-y',
    ]);
  });

  it('say how to install what is missing, and only where the name is ours', async () => {
    expect((await failing(open('vault://h/s', { from: '/' }))).remedy).toBe(
      'Run: npm install @nebula/credential-vault',
    );
    expect((await failing(open('vautl://h/s', { from: '/' }))).remedy).not.toContain('install');
  });
});

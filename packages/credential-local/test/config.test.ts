import { describe, expect, it } from '@jest/globals';
import { openProvider, type StorageProvider, ValidationError } from '@nebula/credential-core';
import * as local from '../src/index.ts';
import { temporaryDirectories } from './directories.ts';
import { recordOf } from './records.ts';

const temporaryDirectory = temporaryDirectories();

function issuesOf(options: unknown): readonly string[] {
  try {
    new local.LocalStorageProvider(options as local.LocalStorageOptions);
  } catch (error) {
    if (error instanceof ValidationError && error.code === 'INVALID_CONFIG') {
      return error.issues.map(({ path, message }) => `${path}: ${message}`);
    }
    throw error;
  }
  return [];
}

describe('options', () => {
  it.each<[unknown, readonly (string | RegExp)[]]>([
    [{}, ['directory: is required']],
    [undefined, [': must be an object, got undefined']],
    [{ directory: '' }, ['directory: must be the path of a folder, got a string of 0 characters']],
    [{ directory: 'a\0b' }, ['directory: must be the path of a folder, got a string of 3 characters']],
    [{ directory: 7 }, ['directory: must be the path of a folder, got 7']],
    [{ directory: 'x', create: 'yes' }, ['create: must be true or false, got a string of 3 characters']],
    [{ directory: 'x', versions: 1.5 }, ['versions: must be an integer from 0 to 1000 (versions), got 1.5']],
    [{ directory: 'x', versions: -1 }, ['versions: must be an integer from 0 to 1000 (versions), got -1']],
    [
      { directory: 'x', locking: 'none' },
      ["locking: must be 'auto', 'kernel' or 'file', got a string of 4 characters"],
    ],
    [{ directory: 'x', lockin: 'file' }, ['lockin: unknown option; did you mean "locking"?']],
    [{ directory: 'x', timeouts: { read: 1 } }, [/^timeouts\.read: /]],
    [
      { directroy: 'x', versions: 'many' },
      [
        'directory: is required',
        'versions: must be an integer from 0 to 1000 (versions), got a string of 4 characters',
        'directroy: unknown option; did you mean "directory"?',
      ],
    ],
  ])('%j', (options, issues) => {
    expect(issuesOf(options)).toEqual(
      issues.map((issue) => (typeof issue === 'string' ? issue : expect.stringMatching(issue))),
    );
  });

  it('that are right do no I/O', () => {
    expect(issuesOf({ directory: '/nonexistent/x', create: false, versions: 3, locking: 'file' })).toEqual(
      [],
    );
  });
});

describe('a URL', () => {
  const open = (url: string): Promise<StorageProvider> =>
    openProvider(url, { drivers: { local: async () => local } });

  it('is the folder and the options', async () => {
    const directory = temporaryDirectory('with space and %41');
    const path = directory.split('/').map(encodeURIComponent).join('/');
    await using provider = await open(`local://${path}?versions=2&retry.maxRetries=1`);
    await provider.store('a', recordOf());
    expect(provider.capabilities.versions).toBe(true);
    await using other = new local.LocalStorageProvider({ directory });
    expect(await other.exists('a')).toBe(true);
  });

  it.each([
    ['local://host/folder', /absolute path/],
    ['local:///', /absolute path/],
    ['local:folder', /provider URL: /],
    ['local:///x?directory=y', /directory/],
    ['local:///x?version=2', /did you mean "versions"/],
  ])('%s is refused', async (url, message) => {
    await expect(open(url)).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringMatching(message),
    });
  });
});

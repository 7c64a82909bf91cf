import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { inspect, promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EncryptionKey } from '../../src/encryption/key.ts';
import { ValidationError } from '../../src/errors.ts';
import { Secret } from '../../src/secret.ts';
import { codeOf, knownKey } from './fixture.ts';

/** The error that a call fails with. */
async function failure(call: () => Promise<unknown> | unknown): Promise<ValidationError> {
  try {
    await call();
  } catch (error) {
    if (error instanceof ValidationError) {
      return error;
    }
    throw error;
  }
  throw new Error('it did not fail');
}

describe('EncryptionKey', () => {
  it('is random when generated', () => {
    const kids = Array.from({ length: 100 }, () => EncryptionKey.generate().kid);
    expect(new Set(kids).size).toBe(100);
  });

  it('is the same key from bytes, a Secret and base64 of either alphabet', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 32, maxLength: 32 }), async (array) => {
        const bytes = Buffer.from(array);
        const base64 = bytes.toString('base64');
        const keys = await Promise.all([
          EncryptionKey.fromBytes(array),
          EncryptionKey.fromBytes(Secret.from(array)),
          EncryptionKey.fromBase64(base64),
          EncryptionKey.fromBase64(base64.replace('=', '')),
          EncryptionKey.fromBase64(bytes.toString('base64url')),
          EncryptionKey.fromBase64(` ${base64}\n`),
          EncryptionKey.fromBase64(Secret.from(base64)),
        ]);
        expect(new Set(keys.map(({ kid }) => kid)).size).toBe(1);
        for (const key of keys) {
          expect(await (await key.export()).expose((exposed) => Buffer.from(exposed))).toEqual(bytes);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('keeps a copy of the bytes', async () => {
    const bytes = randomBytes(32);
    const key = await EncryptionKey.fromBytes(bytes);
    const before = Buffer.from(bytes);
    bytes.fill(0);
    expect(await (await key.export()).expose((exposed) => Buffer.from(exposed))).toEqual(before);
  });

  it.each([0, 16, 31, 33, 64])('refuses %i bytes', async (size) => {
    for (const bytes of [Buffer.alloc(size), Secret.from(Buffer.alloc(size))]) {
      const error = await failure(() => EncryptionKey.fromBytes(bytes));
      expect(error.code).toBe('INVALID_ARGUMENT');
      expect(error.message).toContain(`exactly 32 bytes, got ${size} bytes`);
    }
  });

  it.each([
    ['text', 'a'.repeat(32)],
    ['null', null],
    ['a list', new Array(32).fill(0)],
  ])('refuses %s for bytes', async (_, value) => {
    expect(await codeOf(() => EncryptionKey.fromBytes(value as never))).toBe('INVALID_ARGUMENT');
  });

  it('refuses base64 of another length, with foreign characters or stray bits, without showing it', async () => {
    const good = randomBytes(32).toString('base64');
    const strayBits = `${good.slice(0, 42)}${good[42] === 'B' ? 'C' : 'B'}=`;
    const texts = [
      '',
      randomBytes(31).toString('base64'),
      randomBytes(33).toString('base64'),
      `${good}=`,
      `${good.slice(0, 20)} ${good.slice(20)}`,
      `*${good.slice(1)}`,
      randomBytes(32).toString('hex'),
      strayBits,
    ];
    for (const text of texts) {
      for (const value of [text, Secret.from(text)]) {
        const error = await failure(() => EncryptionKey.fromBase64(value));
        expect(error.code).toBe('INVALID_ARGUMENT');
        expect(error.message).toContain('base64 of exactly 32 bytes');
        expect(text === '' || !error.message.includes(text)).toBe(true);
      }
    }
    expect(await codeOf(() => EncryptionKey.fromBase64(undefined as never))).toBe('INVALID_ARGUMENT');
  });

  it('shows its id and nothing else', async () => {
    const { key, bytes } = await knownKey();
    expect(String(key)).toBe(`EncryptionKey(${key.kid})`);
    expect(inspect({ key })).toBe(`{ key: EncryptionKey(${key.kid}) }`);
    expect(JSON.stringify(key)).toBe(`{"kid":"${key.kid}"}`);
    expect(inspect(key, { customInspect: false, showHidden: true, depth: 9 })).not.toContain(
      bytes.toString('hex'),
    );
    expect(Object.keys(key)).toEqual(['kid']);
  });
});

describe('EncryptionKey.fromEnvironment', () => {
  const name = `NEBULA_TEST_KEY_${randomBytes(4).toString('hex')}`;
  afterEach(() => {
    delete process.env[name];
  });

  it('reads base64', async () => {
    const { key, bytes } = await knownKey();
    for (const text of [bytes.toString('base64'), `${bytes.toString('base64url')}\n`]) {
      process.env[name] = text;
      expect(EncryptionKey.fromEnvironment(name).kid).toBe(key.kid);
    }
  });

  it('names the variable that is missing or malformed, and never shows it', async () => {
    expect(await failure(() => EncryptionKey.fromEnvironment(name))).toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining(name),
      remedy: expect.stringContaining('openssl rand -base64 32'),
    });
    process.env[name] = '';
    expect(await codeOf(() => EncryptionKey.fromEnvironment(name))).toBe('INVALID_CONFIG');
    process.env[name] = 'not-a-key';
    const error = await failure(() => EncryptionKey.fromEnvironment(name));
    expect(error.code).toBe('INVALID_CONFIG');
    expect(error.message).toContain(name);
    expect(JSON.stringify(error)).not.toContain('not-a-key');
  });

  it('refuses the key in the place of the name, without showing it', async () => {
    const text = randomBytes(32).toString('base64');
    const error = await failure(() => EncryptionKey.fromEnvironment(text));
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(JSON.stringify(error)).not.toContain(text);
  });
});

describe('a key file', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nebula-key-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  const newPath = (): string => join(directory, randomBytes(8).toString('hex'));

  async function file(content: string | Buffer, mode = 0o600): Promise<string> {
    const path = newPath();
    await writeFile(path, content);
    await chmod(path, mode);
    return path;
  }

  it('holds raw bytes or base64', async () => {
    const { key, bytes } = await knownKey();
    const contents = [
      bytes,
      bytes.toString('base64'),
      `${bytes.toString('base64')}\n`,
      bytes.toString('base64url'),
    ];
    for (const content of contents) {
      expect((await EncryptionKey.fromFile(await file(content))).kid).toBe(key.kid);
    }
    expect((await EncryptionKey.fromFile(await file(bytes, 0o400))).kid).toBe(key.kid);
  });

  it('is found through a symbolic link, as mounted secrets are', async () => {
    const { key, bytes } = await knownKey();
    const link = newPath();
    await symlink(await file(bytes), link);
    expect((await EncryptionKey.fromFile(link)).kid).toBe(key.kid);
  });

  it.each([0o001, 0o002, 0o004, 0o010, 0o020, 0o040])(
    'that others have a right to (%o) is refused',
    async (bit) => {
      const path = await file(randomBytes(32), 0o600 | bit);
      expect(await failure(() => EncryptionKey.fromFile(path))).toMatchObject({
        code: 'INVALID_CONFIG',
        message: expect.stringContaining((0o600 | bit).toString(8)),
        remedy: `Run: chmod 600 '${path}'`,
      });
    },
  );

  it('of somebody else is refused', async () => {
    let path = '/etc/passwd';
    if (process.geteuid?.() === 0) {
      path = await file(randomBytes(32));
      await chown(path, 12_345, 12_345);
    }
    expect(await failure(() => EncryptionKey.fromFile(path))).toMatchObject({
      code: 'INVALID_CONFIG',
      remedy: `Run: chown ${process.geteuid?.()} '${path}'`,
    });
  });

  it('that is missing says how to make one', async () => {
    const path = join(directory, "it's missing");
    const error = await failure(() => EncryptionKey.fromFile(path));
    expect(error.code).toBe('INVALID_CONFIG');
    expect(error.remedy).toContain(`openssl rand -base64 32 > '${directory}/it'\\''s missing'`);
    // The command does what it promises.
    const [command] = /\(umask .*\)(?=\.)/.exec(error.remedy) ?? [];
    await promisify(execFile)('sh', ['-c', command ?? 'false']);
    expect((await EncryptionKey.fromFile(path)).kid).toHaveLength(43);
  });

  it('that is malformed is refused without showing it', async () => {
    for (const content of ['', 'not-a-key', randomBytes(31), randomBytes(33), randomBytes(10_000)]) {
      const path = await file(content);
      const error = await failure(() => EncryptionKey.fromFile(path));
      expect(error.code).toBe('INVALID_CONFIG');
      expect(error.message).toContain(path);
      expect(error.message).not.toContain('not-a-key');
    }
  });

  it('that is no file is refused and not waited for', async () => {
    const path = newPath();
    await promisify(execFile)('mkfifo', ['-m', '600', path]);
    for (const other of [directory, path, join(await file(''), 'below')]) {
      expect(await codeOf(() => EncryptionKey.fromFile(other))).toBe('INVALID_CONFIG');
    }
  });

  it('is created once, for its owner alone', async () => {
    const path = newPath();
    const key = await EncryptionKey.createFile(path);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await EncryptionKey.fromFile(path)).kid).toBe(key.kid);
    const content = await readFile(path);
    expect(await failure(() => EncryptionKey.createFile(path))).toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('already'),
    });
    expect(await readFile(path)).toEqual(content);
  });

  it('is created by one of many at once', async () => {
    const path = newPath();
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, () => EncryptionKey.createFile(path)),
    );
    const created = results.filter((result) => result.status === 'fulfilled').map(({ value }) => value.kid);
    expect(created).toEqual([(await EncryptionKey.fromFile(path)).kid]);
  });

  it('is made by fromFile where there is none, once for all who ask at the same time', async () => {
    const path = newPath();
    const keys = await Promise.all(
      Array.from({ length: 10 }, () => EncryptionKey.fromFile(path, { create: true })),
    );
    const { kid } = await EncryptionKey.fromFile(path);
    expect(new Set(keys.map((key) => key.kid))).toEqual(new Set([kid]));
    const drafts = (await readdir(directory)).filter((name) => name.startsWith(`${basename(path)}.`));
    expect(drafts).toEqual([]);
    expect(await codeOf(() => EncryptionKey.fromFile(path, { crate: true } as never))).toBe(
      'INVALID_ARGUMENT',
    );
    await writeFile(path, 'damaged');
    expect(await codeOf(() => EncryptionKey.fromFile(path, { create: true }))).toBe('INVALID_CONFIG');
  });

  it('is not created through a symbolic link, nor where there is no directory', async () => {
    const link = newPath();
    await symlink(newPath(), link);
    expect(await codeOf(() => EncryptionKey.createFile(link))).toBe('INVALID_CONFIG');
    expect(await codeOf(() => EncryptionKey.createFile(join(newPath(), 'key')))).toBe('INVALID_CONFIG');
    const existing = newPath();
    await mkdir(existing);
    expect(await codeOf(() => EncryptionKey.createFile(existing))).toBe('INVALID_CONFIG');
  });
});

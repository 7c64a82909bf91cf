import * as crypto from 'node:crypto';
import { describe, expect, it, jest } from '@jest/globals';
import { argon2id, argon2idInWorker } from '../../src/encryption/argon2.ts';

// Deriving takes its time on a busy machine, most of all where Node has no Argon2id of its own.
jest.setTimeout(60_000);

const message = Buffer.from('correct horse battery staple');
const salt = Buffer.from('0123456789abcdef');
// Computed once by Node 24's own implementation.
const vectors = [
  [{ m: 19_456, t: 2, p: 1 }, '832e52b959b967b570ee4781f6c7bda7ced019ca266ac781fd2d94d4e853b0cd'],
  [{ m: 19_457, t: 3, p: 2 }, 'de20400937fbe4ef44d6d5b5038ffec2112a762f9efa2bc5dd13b25b459b8528'],
] as const;
const [[cheapCost, cheapKey]] = vectors;

/** The module as it is where node:crypto has another argon2. */
async function withArgon2(argon2: unknown): Promise<typeof argon2id> {
  jest.resetModules();
  jest.unstable_mockModule('node:crypto', () => ({ ...crypto, argon2 }));
  const module = await import('../../src/encryption/argon2.ts');
  return module.argon2id;
}

describe('Argon2id', () => {
  it.each(vectors)(
    'of %o gives the same bytes by the route of this Node and in the worker',
    async (cost, key) => {
      const [chosen, inWorker] = await Promise.all([
        argon2id(message, salt, cost),
        argon2idInWorker(message, salt, cost),
      ]);
      expect([chosen, inWorker].map((bytes) => bytes.toString('hex'))).toEqual([key, key]);
    },
  );

  it('falls back to the worker where Node has no Argon2id, or its OpenSSL has none', async () => {
    const absent = await withArgon2(undefined);
    expect((await absent(message, salt, cheapCost)).toString('hex')).toBe(cheapKey);
    const asked = jest.fn(() => {
      throw Object.assign(new Error('no'), { code: 'ERR_CRYPTO_ARGON2_NOT_SUPPORTED' });
    });
    const unsupported = await withArgon2(asked);
    expect((await unsupported(message, salt, cheapCost)).toString('hex')).toBe(cheapKey);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it('does not fall back when it failed', async () => {
    const failing = await withArgon2(() => {
      throw new Error('out of memory');
    });
    await expect(failing(message, salt, cheapCost)).rejects.toThrow('out of memory');
  });

  it.each([
    ['by the route of this Node', argon2id],
    ['in the worker', argon2idInWorker],
  ])('leaves the event loop free %s, and the message as it was', async (_, route) => {
    const given = Buffer.from(message);
    let turns = 0;
    const interval = setInterval(() => {
      turns += 1;
    });
    await route(given, salt, cheapCost);
    clearInterval(interval);
    expect(turns).toBeGreaterThan(1);
    expect(given).toEqual(message);
  });

  it('that fails in the worker is a failure', async () => {
    await expect(argon2idInWorker(message, salt, { ...cheapCost, m: 1 })).rejects.toThrow('m');
  });
});

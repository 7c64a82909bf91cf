import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import * as argon2 from '../../src/encryption/argon2.ts';
import { ValidationError } from '../../src/errors.ts';

// Deriving takes its time on a busy machine, most of all where Node has no Argon2id of its own.
jest.setTimeout(60_000);

/** Counts derivations, and says what they were given. */
const derive = jest.fn(argon2.argon2id);
jest.unstable_mockModule('../../src/encryption/argon2.ts', () => ({ ...argon2, argon2id: derive }));
const { createPassphraseDescriptor } = await import('../../src/encryption/passphrase.ts');
const { EncryptionKey } = await import('../../src/encryption/key.ts');
const { EncryptionManager } = await import('../../src/encryption/manager.ts');
const { codeOf, encryptRecord, target } = await import('./fixture.ts');
const { Secret } = await import('../../src/secret.ts');

const cheap = { m: 19_456, t: 2, p: 1 };
let counter = 0;
/** Never used before, so that no derivation of another test is shared. */
const newPassphrase = (): string => {
  counter += 1;
  return `a passphrase of test ${counter}`;
};

beforeEach(() => {
  derive.mockClear();
});

describe('createPassphraseDescriptor', () => {
  it('gives kid, salt and the default cost', async () => {
    const descriptor = await createPassphraseDescriptor(newPassphrase());
    expect(descriptor).toEqual({
      kid: expect.stringMatching(/^[\w-]{43}$/),
      salt: expect.stringMatching(/^[\w-]{22}$/),
      m: 65_536,
      t: 3,
      p: 1,
    });
    expect(JSON.parse(JSON.stringify(descriptor))).toEqual(descriptor);
  });

  it('draws a salt each time', async () => {
    const passphrase = newPassphrase();
    const [a, b] = [
      await createPassphraseDescriptor(passphrase, cheap),
      await createPassphraseDescriptor(passphrase, cheap),
    ];
    expect(a.salt).not.toBe(b.salt);
    expect(a.kid).not.toBe(b.kid);
  });

  it.each([
    [{ m: 19_455 }, ['m']],
    [{ m: 1_048_577 }, ['m']],
    [{ t: 1 }, ['t']],
    [{ t: 11 }, ['t']],
    [{ p: 0 }, ['p']],
    [{ p: 5 }, ['p']],
    [{ m: 65_536.5 }, ['m']],
    [{ m: '65536' }, ['m']],
    [{ m: 1, t: 1, p: 9, salt: 'x' }, ['m', 't', 'p', 'salt']],
    [null, ['']],
  ])('refuses %o, naming every fault', async (parameters, paths) => {
    await expect(createPassphraseDescriptor(newPassphrase(), parameters as never)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      issues: paths.map((path) => expect.objectContaining({ path })),
    });
    expect(derive).not.toHaveBeenCalled();
  });

  it.each([
    ['an empty one', ''],
    ['7 characters', '1234567'],
    ['7 characters of more bytes', '\u00e4'.repeat(7)],
    ['7 characters of two code units', '\u{1f600}'.repeat(7)],
    ['lone surrogates', `12345678\ud800`],
  ])('refuses %s', async (_, passphrase) => {
    expect(await codeOf(() => createPassphraseDescriptor(passphrase, cheap))).toBe('INVALID_ARGUMENT');
    const bytes = Secret.from(Buffer.from(passphrase.isWellFormed() ? passphrase : '1234567'));
    expect(await codeOf(() => createPassphraseDescriptor(bytes, cheap))).toBe('INVALID_ARGUMENT');
    expect(derive).not.toHaveBeenCalled();
  });

  it('refuses bytes that are no text, and what is no passphrase at all', async () => {
    for (const value of [
      Secret.from(Buffer.alloc(32, 0xff)),
      Buffer.from('12345678'),
      12_345_678,
      null,
      undefined,
    ]) {
      expect(await codeOf(() => createPassphraseDescriptor(value as never, cheap))).toBe('INVALID_ARGUMENT');
    }
  });
});

describe('EncryptionKey.fromPassphrase', () => {
  it('is the key of the descriptor, from text and from a Secret, in every normalization form', async () => {
    const passphrase = `${newPassphrase()} \u00e9\ufb01`;
    const descriptor = await createPassphraseDescriptor(passphrase.normalize('NFC'), cheap);
    const manager = new EncryptionManager({ primary: EncryptionKey.fromPassphrase(passphrase, descriptor) });
    const record = await encryptRecord(manager, Buffer.from('value'), target('a'));
    const decomposed = passphrase.normalize('NFD');
    expect(decomposed).not.toBe(passphrase);
    for (const same of [passphrase, decomposed, Secret.from(passphrase), Secret.from(decomposed)]) {
      const reader = new EncryptionManager({ primary: EncryptionKey.fromPassphrase(same, descriptor) });
      expect((await reader.decrypt(record, target('a'))).toString()).toBe('value');
    }
  });

  it('takes compatibility characters and white space as they are', async () => {
    const passphrase = `${newPassphrase()} \ufb01`;
    const descriptor = await createPassphraseDescriptor(passphrase, cheap);
    for (const other of [passphrase.normalize('NFKC'), `${passphrase} `]) {
      const key = EncryptionKey.fromPassphrase(other, descriptor);
      expect(await codeOf(() => key.export())).toBe('INVALID_CONFIG');
    }
  });

  it('derives nothing before its first use, and in a manager at ready()', async () => {
    const passphrase = newPassphrase();
    // As another process would have made it: nothing of it is shared.
    const descriptor = {
      kid: Buffer.alloc(32).toString('base64url'),
      salt: Buffer.alloc(16).toString('base64url'),
      ...cheap,
    };
    const manager = new EncryptionManager({ primary: EncryptionKey.fromPassphrase(passphrase, descriptor) });
    expect(manager.primaryKid).toBe(descriptor.kid);
    expect(derive).not.toHaveBeenCalled();
    expect(await codeOf(() => manager.ready())).toBe('INVALID_CONFIG');
    expect(derive).toHaveBeenCalledTimes(1);
  });

  it('derives once a process, whoever asks and however many at once', async () => {
    const passphrase = newPassphrase();
    const descriptor = await createPassphraseDescriptor(passphrase, cheap);
    const keys = Array.from({ length: 5 }, (_, index) =>
      EncryptionKey.fromPassphrase(index % 2 === 0 ? passphrase : Secret.from(passphrase), { ...descriptor }),
    );
    await Promise.all(keys.flatMap((key) => [key.export(), key.export()]));
    await keys[0]?.export();
    expect(derive).toHaveBeenCalledTimes(1);
  });

  it('shares nothing between two descriptors or two passphrases', async () => {
    const passphrase = newPassphrase();
    const descriptor = await createPassphraseDescriptor(passphrase, cheap);
    const others = [
      EncryptionKey.fromPassphrase(newPassphrase(), descriptor),
      EncryptionKey.fromPassphrase(passphrase, { ...descriptor, t: 3 }),
      EncryptionKey.fromPassphrase(passphrase, { ...descriptor, m: 19_464 }),
      EncryptionKey.fromPassphrase(passphrase, { ...descriptor, p: 2 }),
      EncryptionKey.fromPassphrase(passphrase, {
        ...descriptor,
        salt: Buffer.alloc(16).toString('base64url'),
      }),
    ];
    for (const key of others) {
      expect(await codeOf(() => key.export())).toBe('INVALID_CONFIG');
    }
    expect(derive).toHaveBeenCalledTimes(6);
  });

  it('says that the passphrase is wrong, without showing it, and again at the next use', async () => {
    const descriptor = await createPassphraseDescriptor(newPassphrase(), cheap);
    const wrong = newPassphrase();
    const manager = new EncryptionManager({ primary: EncryptionKey.fromPassphrase(wrong, descriptor) });
    for (let time = 0; time < 2; time += 1) {
      const attempt = encryptRecord(manager, Buffer.from('value'), target('a'));
      await expect(attempt).rejects.toBeInstanceOf(ValidationError);
      await expect(attempt).rejects.toMatchObject({
        code: 'INVALID_CONFIG',
        message: expect.not.stringContaining(wrong),
        remedy: expect.stringContaining(descriptor.kid),
      });
    }
  });

  it('may succeed after a derivation that failed for want of memory', async () => {
    const passphrase = newPassphrase();
    const descriptor = await createPassphraseDescriptor(passphrase, cheap);
    // Not in the process's memory: of another salt, with the kid of the key that it will give.
    const salt = Buffer.alloc(16, 7).toString('base64url');
    const again = { ...descriptor, salt };
    derive.mockRejectedValueOnce(new RangeError('Array buffer allocation failed'));
    const key = EncryptionKey.fromPassphrase(passphrase, again);
    await expect(key.export()).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining(`${cheap.m} KiB`),
    });
    await expect(key.export()).rejects.toMatchObject({ message: expect.stringContaining('does not belong') });
    expect(derive).toHaveBeenCalledTimes(3);
  });

  it('overwrites the bytes that it derived from', async () => {
    const passphrase = newPassphrase();
    const descriptor = await createPassphraseDescriptor(passphrase, cheap);
    await EncryptionKey.fromPassphrase(passphrase, descriptor).export();
    const given = derive.mock.calls.map(([bytes]) => Buffer.from(bytes));
    expect(given).toEqual([Buffer.alloc(passphrase.length)]);
  });

  it('refuses a malformed descriptor and passphrase at once, naming every fault', async () => {
    const descriptor = await createPassphraseDescriptor(newPassphrase(), cheap);
    const malformed = { kid: 'short', salt: `${descriptor.salt}=`, m: 1, t: 99, p: 1.5, extra: true };
    expect(() => EncryptionKey.fromPassphrase(newPassphrase(), malformed)).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONFIG',
        issues: ['kid', 'salt', 'm', 't', 'p', 'extra'].map((path) => expect.objectContaining({ path })),
      }),
    );
    for (const value of [undefined, null, 'text', {}]) {
      expect(await codeOf(() => EncryptionKey.fromPassphrase(newPassphrase(), value as never))).toBe(
        'INVALID_CONFIG',
      );
    }
    expect(await codeOf(() => EncryptionKey.fromPassphrase('short', descriptor))).toBe('INVALID_ARGUMENT');
    expect(await codeOf(() => EncryptionKey.fromPassphrase(7 as never, descriptor))).toBe('INVALID_ARGUMENT');
  });
});

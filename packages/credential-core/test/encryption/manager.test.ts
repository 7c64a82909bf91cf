import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EncryptionKey } from '../../src/encryption/key.ts';
import { EncryptionManager } from '../../src/encryption/manager.ts';
import { CryptoError, ValidationError } from '../../src/errors.ts';
import { createWriteId, parseRecord, serializeRecord } from '../../src/record.ts';
import { codeOf, encryptRecord, knownKey, meta, target } from './fixture.ts';

describe('encrypt and decrypt', () => {
  const manager = new EncryptionManager({ primary: EncryptionKey.generate() });

  it('give back any bytes under any id, scope and tags', async () => {
    const id = fc.stringMatching(/^[A-Za-z0-9._-]{1,20}$/);
    const scope = fc.option(fc.stringMatching(/^[a-z0-9]{1,20}$/), { nil: undefined });
    const tags = fc.dictionary(fc.string(), fc.string({ unit: 'grapheme' }));
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 5_000 }),
        id,
        scope,
        tags,
        async (value, name, partition, own) => {
          const to = target(name, partition);
          const record = await encryptRecord(manager, value, to, { ...meta, tags: own });
          expect(await manager.decrypt(parseRecord(serializeRecord(record)), to)).toEqual(Buffer.from(value));
        },
      ),
    );
  });

  it.each(['constructor', 'prototype', 'toString', '0'])('give back a value tagged %s', async (tag) => {
    const own = { ...meta, tags: { [tag]: 'x' } };
    const record = await encryptRecord(manager, Buffer.from('value'), target('a'), own);
    const read = parseRecord(serializeRecord(record));
    expect(read).toEqual(record);
    expect((await manager.decrypt(read, target('a'))).toString()).toBe('value');
  });

  it.each([0, 1, 15, 16, 17, 1_048_576])('give back %i bytes in memory of their own', async (size) => {
    const value = randomBytes(size);
    const record = await encryptRecord(manager, value, target('a'));
    const plaintext = await manager.decrypt(record, target('a'));
    expect(plaintext.equals(value)).toBe(true);
    expect(plaintext.buffer.byteLength).toBe(size);
  });

  it('take a view of a larger buffer as the bytes that it shows', async () => {
    const value = new Uint8Array(Buffer.from('xxvaluexx').buffer.slice(0)).subarray(2, 7);
    const record = await encryptRecord(manager, value, target('a'));
    expect(await manager.decrypt(record, target('a'))).toEqual(Buffer.from(value));
  });

  it('use a content key and an IV once', async () => {
    const binding = { ...target('a'), writeId: createWriteId(), meta };
    const all = await Promise.all(
      Array.from({ length: 1_000 }, () => manager.encrypt(Buffer.from('value'), binding)),
    );
    for (const field of ['iv', 'encrypted_key', 'ciphertext'] as const) {
      expect(new Set(all.map((jwe) => jwe[field])).size).toBe(1_000);
    }
  });

  it('write the six members in the order of the format, with exactly the published header', async () => {
    const { jwe } = await encryptRecord(manager, Buffer.from('value'), target('a'));
    expect(Object.keys(jwe)).toEqual(['protected', 'encrypted_key', 'iv', 'ciphertext', 'tag', 'aad']);
    expect(Buffer.from(jwe.protected, 'base64url').toString()).toBe(
      `{"alg":"A256KW","enc":"A256GCM","kid":"${manager.primaryKid}","typ":"nebula-credential+jwe"}`,
    );
  });

  it.each([
    ['a string', 'text'],
    ['an ArrayBuffer', new ArrayBuffer(4)],
    ['null', null],
  ])('refuse %s for a plaintext', async (_, value) => {
    const binding = { ...target('a'), writeId: createWriteId(), meta };
    expect(await codeOf(() => manager.encrypt(value as never, binding))).toBe('INVALID_ARGUMENT');
  });
});

describe('a keyring', () => {
  const old = EncryptionKey.generate();
  const current = EncryptionKey.generate();
  const before = new EncryptionManager({ primary: old });
  const after = new EncryptionManager({ primary: current, retired: [old] });

  it('names its keys, the primary first', () => {
    expect(after.primaryKid).toBe(current.kid);
    expect(after.kids).toEqual([current.kid, old.kid]);
  });

  it('encrypts under the primary and decrypts what a retired key wrote', async () => {
    const earlier = await encryptRecord(before, Buffer.from('earlier'), target('a'));
    const later = await encryptRecord(after, Buffer.from('later'), target('a'));
    expect([after.kidOf(earlier), after.kidOf(later)]).toEqual([old.kid, current.kid]);
    expect((await after.decrypt(earlier, target('a'))).toString()).toBe('earlier');
    expect((await after.decrypt(later, target('a'))).toString()).toBe('later');
  });

  it('without the key of a record says which one it wants', async () => {
    const record = await encryptRecord(after, Buffer.from('value'), target('a'));
    const read = before.decrypt(record, target('a'));
    await expect(read).rejects.toBeInstanceOf(CryptoError);
    await expect(read).rejects.toMatchObject({
      code: 'KEY_NOT_FOUND',
      kid: current.kid,
      message: expect.stringContaining(current.kid),
      remedy: expect.stringContaining(current.kid),
    });
  });

  it('refuses a record of plain bytes', async () => {
    const plain = { v: 1, kind: 'value', writeId: createWriteId(), meta, value: Buffer.from('value') };
    expect(await codeOf(() => after.decrypt(plain as never, target('a')))).toBe('CORRUPTED');
  });

  it('takes a key once', async () => {
    const { key, bytes } = await knownKey();
    const copy = await EncryptionKey.fromBytes(bytes);
    for (const retired of [[key], [copy], [old, old]]) {
      const construct = (): unknown => new EncryptionManager({ primary: key, retired });
      expect(construct).toThrow(ValidationError);
      expect(construct).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
      expect(construct).toThrow(retired[0]?.kid ?? '');
    }
  });

  it.each([
    ['no options', undefined, ['']],
    ['no primary', {}, ['primary']],
    ['a string for a key', { primary: 'a2V5' }, ['primary']],
    ['bytes for a key', { primary: Buffer.alloc(32) }, ['primary']],
    ['a single retired key', { primary: current, retired: old }, ['retired']],
    ['several faults', { primary: 1, retired: [old, null], key: 1 }, ['primary', 'retired[1]', 'key']],
  ])('refuses %s, naming every fault', (_, options, paths) => {
    expect(() => new EncryptionManager(options as never)).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONFIG',
        issues: paths.map((path) => expect.objectContaining({ path })),
      }),
    );
  });

  it('shows no key', async () => {
    const { key, bytes } = await knownKey();
    const manager = new EncryptionManager({ primary: key });
    await manager.ready();
    const shown = `${inspect(manager, { depth: 9, showHidden: true })} ${JSON.stringify(manager)} ${String(manager)}`;
    for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const) {
      expect(shown).not.toContain(bytes.toString(encoding));
    }
  });
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FlattenedEncrypt, flattenedDecrypt } from 'jose';
import { bindingAad } from '../../src/encryption/binding.ts';
import { EncryptionManager } from '../../src/encryption/manager.ts';
import { createWriteId, type EncryptedData, parseRecord, serializeRecord } from '../../src/record.ts';
import { encryptRecord, knownKey, meta, recordOf, target } from './fixture.ts';

describe('with jose 6', () => {
  it('jose decrypts what we encrypt', async () => {
    const { key, bytes } = await knownKey();
    const manager = new EncryptionManager({ primary: key });
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3_000 }), async (plaintext) => {
        const { jwe } = await encryptRecord(manager, plaintext, target('db/password', 'team-a'));
        const decrypted = await flattenedDecrypt(jwe, bytes, {
          keyManagementAlgorithms: ['A256KW'],
          contentEncryptionAlgorithms: ['A256GCM'],
        });
        expect(Buffer.from(decrypted.plaintext)).toEqual(Buffer.from(plaintext));
        expect(JSON.stringify(decrypted.protectedHeader)).toBe(
          JSON.stringify({ alg: 'A256KW', enc: 'A256GCM', kid: key.kid, typ: 'nebula-credential+jwe' }),
        );
        expect(Buffer.from(decrypted.additionalAuthenticatedData ?? []).toString('base64url')).toBe(jwe.aad);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ['our order', ['alg', 'enc', 'kid', 'typ']],
    ['another order', ['typ', 'kid', 'enc', 'alg']],
  ])('we decrypt what jose encrypts, its header in %s', async (_, order) => {
    const { key, bytes } = await knownKey();
    const manager = new EncryptionManager({ primary: key });
    const values: Record<string, string> = {
      alg: 'A256KW',
      enc: 'A256GCM',
      kid: key.kid,
      typ: 'nebula-credential+jwe',
    };
    const header = Object.fromEntries(order.map((name) => [name, values[name]]));
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3_000 }), async (plaintext) => {
        const to = target('db/password', 'team-a');
        const writeId = createWriteId();
        const jwe = await new FlattenedEncrypt(plaintext)
          .setProtectedHeader(header as { alg: string; enc: string })
          .setAdditionalAuthenticatedData(Buffer.from(bindingAad({ ...to, writeId, meta }), 'base64url'))
          .encrypt(bytes);
        const record = parseRecord(serializeRecord(recordOf(writeId, meta, jwe as EncryptedData)));
        expect(await manager.decrypt(record, to)).toEqual(Buffer.from(plaintext));
      }),
      { numRuns: 50 },
    );
  });
});

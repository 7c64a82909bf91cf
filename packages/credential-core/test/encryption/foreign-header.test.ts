import { describe, expect, it } from '@jest/globals';
import { FlattenedEncrypt } from 'jose';
import { bindingAad } from '../../src/encryption/binding.ts';
import { EncryptionKey } from '../../src/encryption/key.ts';
import { EncryptionManager } from '../../src/encryption/manager.ts';
import { createWriteId, type EncryptedData, type EncryptedRecord } from '../../src/record.ts';
import { codeOf, encryptRecord, knownKey, meta, recordOf, target } from './fixture.ts';

const to = target('a/b');
const { key, bytes } = await knownKey();
const manager = new EncryptionManager({ primary: key });
const ours = { alg: 'A256KW', enc: 'A256GCM', kid: key.kid, typ: 'nebula-credential+jwe' };

/** A JWE that jose makes and would decrypt, bound as ours are. */
async function joseRecord(
  header: Record<string, unknown>,
  keyBytes: Uint8Array = bytes,
): Promise<EncryptedRecord> {
  const writeId = createWriteId();
  const jwe = await new FlattenedEncrypt(Buffer.from('value'))
    .setProtectedHeader(header as { alg: string; enc: string })
    .setAdditionalAuthenticatedData(Buffer.from(bindingAad({ ...to, writeId, meta }), 'base64url'))
    .encrypt(keyBytes, { crit: { 'urn:example': true } });
  return recordOf(writeId, meta, { encrypted_key: '', ...jwe } as EncryptedData);
}

function withHeader(record: EncryptedRecord, text: string): EncryptedRecord {
  return { ...record, jwe: { ...record.jwe, protected: Buffer.from(text).toString('base64url') } };
}

describe('a JWE of somebody else, made with our key', () => {
  it.each([
    ['another typ', { ...ours, typ: 'JWT' }],
    ['no typ', { alg: ours.alg, enc: ours.enc, kid: ours.kid }],
    ['no kid', { alg: ours.alg, enc: ours.enc, typ: ours.typ }],
    ['a kid of its own', { ...ours, kid: 'key-1' }],
    ['another member', { ...ours, cty: 'text/plain' }],
    ['crit', { ...ours, crit: ['urn:example'], 'urn:example': 1 }],
  ])('with %s is UNSUPPORTED_FORMAT', async (_, header) => {
    const record = await joseRecord(header);
    expect(await codeOf(() => manager.decrypt(record, to))).toBe('UNSUPPORTED_FORMAT');
    expect(await codeOf(() => manager.kidOf(record))).toBe('UNSUPPORTED_FORMAT');
  });

  it.each([
    ['another enc', { ...ours, enc: 'A128CBC-HS256' }, bytes],
    ['another enc with a content key of another size', { ...ours, enc: 'A128GCM' }, bytes],
    ['another alg', { ...ours, alg: 'A128KW' }, bytes.subarray(0, 16)],
    ['an alg that has parameters', { ...ours, alg: 'A256GCMKW' }, bytes],
    ['an alg that wraps no key', { ...ours, alg: 'dir' }, bytes],
  ])('with %s is UNSUPPORTED_FORMAT', async (_, header, keyBytes) => {
    const record = await joseRecord(header, keyBytes);
    expect(await codeOf(() => manager.decrypt(record, to))).toBe('UNSUPPORTED_FORMAT');
    expect(await codeOf(() => manager.kidOf(record))).toBe('UNSUPPORTED_FORMAT');
  });
});

describe('a header put over an envelope of ours', () => {
  it.each([
    ['another alg', { ...ours, alg: 'A128KW' }],
    ['another enc', { ...ours, enc: 'A128GCM' }],
    ['another typ', { ...ours, typ: 'JWT' }],
    ['no typ', { alg: ours.alg, enc: ours.enc, kid: ours.kid }],
    ['no kid', { alg: ours.alg, enc: ours.enc, typ: ours.typ }],
    ['no alg', { enc: ours.enc, kid: ours.kid, typ: ours.typ }],
    ['no enc', { alg: ours.alg, kid: ours.kid, typ: ours.typ }],
    ['zip', { ...ours, zip: 'DEF' }],
    ['crit', { ...ours, crit: [] }],
    ['another member', { ...ours, cty: 'text/plain' }],
    ['alg of another type', { ...ours, alg: 1 }],
    ['kid of another type', { ...ours, kid: null }],
  ])('with %s is CORRUPTED: the ring has the key that proves it', async (_, header) => {
    const record = await encryptRecord(manager, Buffer.from('value'), to);
    const altered = withHeader(record, JSON.stringify(header));
    expect(await codeOf(() => manager.decrypt(altered, to))).toBe('CORRUPTED');
  });

  it.each([
    ['a member said twice', JSON.stringify(ours).replace('{', `{"kid":"${ours.kid}",`)],
    ['a member said twice, the other one first', JSON.stringify(ours).replace('{', '{"alg":"dir",')],
    ['white space', JSON.stringify(ours, null, 1)],
    ['an escape', JSON.stringify(ours).replace('"alg"', '"\\u0061lg"')],
    ['a byte order mark', `\ufeff${JSON.stringify(ours)}`],
    ['a list', JSON.stringify([ours])],
    ['null', 'null'],
    ['a number', '1'],
    ['no JSON', '{'],
    ['nothing', ''],
  ])('with %s is CORRUPTED', async (_, text) => {
    const record = await encryptRecord(manager, Buffer.from('value'), to);
    expect(await codeOf(() => manager.decrypt(withHeader(record, text), to))).toBe('CORRUPTED');
  });

  it('in another order does not decrypt', async () => {
    const record = await encryptRecord(manager, Buffer.from('value'), to);
    const { alg, ...rest } = ours;
    const altered = withHeader(record, JSON.stringify({ ...rest, alg }));
    expect(await codeOf(() => manager.decrypt(altered, to))).toBe('DECRYPTION_FAILED');
  });

  it('without the key in the ring is UNSUPPORTED_FORMAT, for nothing can be proven', async () => {
    const stranger = new EncryptionManager({ primary: EncryptionKey.generate() });
    const record = await encryptRecord(manager, Buffer.from('value'), to);
    const altered = withHeader(record, JSON.stringify({ ...ours, typ: 'JWT' }));
    expect(await codeOf(() => stranger.decrypt(altered, to))).toBe('UNSUPPORTED_FORMAT');
  });
});

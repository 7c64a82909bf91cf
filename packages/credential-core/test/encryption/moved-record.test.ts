import { describe, expect, it } from '@jest/globals';
import { FlattenedEncrypt, flattenedDecrypt } from 'jose';
import { type Binding, bindingAad } from '../../src/encryption/binding.ts';
import { EncryptionManager } from '../../src/encryption/manager.ts';
import { createWriteId, type EncryptedData } from '../../src/record.ts';
import { codeOf, knownKey, meta, recordOf, target } from './fixture.ts';

const { key, bytes } = await knownKey();
const manager = new EncryptionManager({ primary: key });
const written: Binding = { ...target('db/password', 'team-a'), writeId: createWriteId(), meta };
const unscoped: Binding = { ...written, scope: undefined };

const moves: readonly [string, Binding, Binding][] = [
  ['another id', written, { ...written, ...target('db/passwords', 'team-a') }],
  ['an id of another case', written, { ...written, ...target('db/Password', 'team-a') }],
  ['another scope', written, { ...written, ...target('db/password', 'team-b') }],
  ['no scope', written, { ...written, ...target('db/password') }],
  ['a scope where there was none', unscoped, { ...unscoped, ...target('db/password', 'team-a') }],
  ['scope and id divided differently', unscoped, { ...unscoped, ...target('password', 'db') }],
  ['another writeId', written, { ...written, writeId: createWriteId() }],
  ['an altered tag', written, { ...written, meta: { ...meta, tags: { ...meta.tags, env: 'dev' } } }],
  ['a further tag', written, { ...written, meta: { ...meta, tags: { ...meta.tags, a: '' } } }],
  ['a tag less', written, { ...written, meta: { ...meta, tags: { env: 'prod' } } }],
  ['a later expiry', written, { ...written, meta: { ...meta, expiresAt: '2099-01-01T00:00:00.000Z' } }],
  ['no expiry', written, { ...written, meta: (({ expiresAt: _, ...rest }) => rest)(meta) }],
  ['another date', written, { ...written, meta: { ...meta, lastModified: '2026-07-08T09:10:11.122Z' } }],
  [
    'another rotation policy',
    written,
    { ...written, meta: { ...meta, rotationPolicy: { intervalDays: 91 } } },
  ],
];

describe.each(moves)('a record read as %s', (_, from, as) => {
  const read = (jwe: EncryptedData): Promise<Buffer> =>
    manager.decrypt(recordOf(as.writeId, as.meta, jwe), { id: as.id, scope: as.scope });

  it('does not decrypt', async () => {
    const jwe = await manager.encrypt(Buffer.from('value'), from);
    expect(await codeOf(() => read(jwe))).toBe('DECRYPTION_FAILED');
  });

  it('does not decrypt with the carried aad altered to match', async () => {
    const jwe = await manager.encrypt(Buffer.from('value'), from);
    expect(await codeOf(() => read({ ...jwe, aad: bindingAad(as) }))).toBe('DECRYPTION_FAILED');
  });

  it('does not decrypt where jose accepts it', async () => {
    const jwe = (await new FlattenedEncrypt(Buffer.from('value'))
      .setProtectedHeader({ alg: 'A256KW', enc: 'A256GCM', kid: key.kid, typ: 'nebula-credential+jwe' })
      .setAdditionalAuthenticatedData(Buffer.from(bindingAad(from), 'base64url'))
      .encrypt(bytes)) as EncryptedData;
    expect(Buffer.from((await flattenedDecrypt(jwe, bytes)).plaintext).toString()).toBe('value');
    expect(await codeOf(() => read(jwe))).toBe('DECRYPTION_FAILED');
  });

  it('is the same record as what it was written', async () => {
    const jwe = await manager.encrypt(Buffer.from('value'), from);
    const plaintext = await manager.decrypt(recordOf(from.writeId, from.meta, jwe), from);
    expect(plaintext.toString()).toBe('value');
  });
});

it('metadata that this library cannot have written is CORRUPTED', async () => {
  const jwe = await manager.encrypt(Buffer.from('value'), written);
  const malformed = { ...meta, tags: { team: '\ud800' } };
  expect(await codeOf(() => manager.decrypt(recordOf(written.writeId, malformed, jwe), written))).toBe(
    'CORRUPTED',
  );
});

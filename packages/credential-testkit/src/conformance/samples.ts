import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type CredentialManager, EncryptionKey, EncryptionManager } from '@nebula/credential-core';

/** Values that something between application and disk may take for something else. */
export const samples: Readonly<Record<string, Uint8Array>> = {
  'an empty value': Buffer.alloc(0),
  'a value of one byte': Buffer.from([0]),
  'every byte': Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  'bytes that are no text': Buffer.from([0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80]),
  'Unicode text': Buffer.from('pässwörd 密码 🔑 nai\u0308ve \u202e\u0000\r\n'),
  'text with a byte order mark and blanks': Buffer.from('\ufeff  value \n'),
  'text that looks like JSON': Buffer.from('{"v":1,"kind":"value","jwe":null}'),
  'text that looks like base64': Buffer.from('dmFsdWU='),
};

/** A key of 256 random bits. */
export function createKey(): Promise<EncryptionKey> {
  return EncryptionKey.fromBytes(randomBytes(32));
}

/** A keyring with a new key. */
export async function createKeys(): Promise<EncryptionManager> {
  return new EncryptionManager({ primary: await createKey() });
}

/** Reads a value and compares it byte for byte. */
export async function readBack(manager: CredentialManager, id: string, expected: Uint8Array): Promise<void> {
  const { secret } = await manager.retrieve(id);
  // Not through assert.deepEqual: it would print the value, and with large ones for minutes.
  assert.ok(await secret.expose((bytes) => bytes.equals(expected)), `${id} comes back with other bytes`);
}

import { readFile } from 'node:fs/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { calculateJwkThumbprint, flattenedDecrypt } from 'jose';
import { argon2idInWorker } from '../../src/encryption/argon2.ts';
import { EncryptionKey } from '../../src/encryption/key.ts';
import { EncryptionManager } from '../../src/encryption/manager.ts';
import type { PassphraseDescriptor } from '../../src/encryption/passphrase.ts';
import { checkRecord, type EncryptedRecord } from '../../src/record.ts';
import { codeOf, publicKeyBytes, target } from './fixture.ts';

// Deriving takes its time on a busy machine, most of all where Node has no Argon2id of its own.
jest.setTimeout(60_000);

interface VectorFile {
  readonly key: {
    readonly kid: string;
    readonly sha256Of?: string;
    readonly passphrase?: string;
    readonly descriptor?: PassphraseDescriptor;
  };
  readonly vectors: readonly {
    readonly description: string;
    readonly id: string;
    readonly scope?: string;
    readonly plaintext: string;
    readonly record: EncryptedRecord;
  }[];
}

async function load(name: string): Promise<VectorFile> {
  const path = new URL(`../vectors/${name}`, import.meta.url);
  return JSON.parse(await readFile(path, 'utf8')) as VectorFile;
}

const raw = await load('raw-key.json');
const derived = await load('passphrase-key.json');

/** As the README of the vectors says, not by way of EncryptionKey. */
async function keyBytes({ key: { sha256Of, passphrase = '', descriptor } }: VectorFile): Promise<Uint8Array> {
  if (sha256Of !== undefined) {
    return publicKeyBytes(sha256Of);
  }
  const { salt = '', ...cost } = descriptor ?? { m: 0, t: 0, p: 0 };
  // In the worker it is @noble/hashes that derives; EncryptionKey takes Node's own where there is one.
  return await argon2idInWorker(Buffer.from(passphrase), Buffer.from(salt, 'base64url'), cost);
}

async function keyOf(file: VectorFile): Promise<EncryptionKey> {
  const { passphrase, descriptor } = file.key;
  return passphrase !== undefined && descriptor !== undefined
    ? EncryptionKey.fromPassphrase(passphrase, descriptor)
    : await EncryptionKey.fromBytes(await keyBytes(file));
}

describe.each([
  ['raw-key.json', raw],
  ['passphrase-key.json', derived],
])('%s', (_, file) => {
  it('names its key by thumbprint', async () => {
    const k = Buffer.from(await keyBytes(file)).toString('base64url');
    expect(await calculateJwkThumbprint({ kty: 'oct', k })).toBe(file.key.kid);
    expect((await keyOf(file)).kid).toBe(file.key.kid);
  });

  it.each(file.vectors)('$description: decrypts here, and nowhere else', async (vector) => {
    const manager = new EncryptionManager({ primary: await keyOf(file) });
    const record = checkRecord(vector.record);
    const to = target(vector.id, vector.scope);
    expect((await manager.decrypt(record, to)).toString('base64url')).toBe(vector.plaintext);
    expect(await codeOf(() => manager.decrypt(record, target(`${vector.id}x`, vector.scope)))).toBe(
      'DECRYPTION_FAILED',
    );
  });

  it.each(file.vectors)('$description: decrypts with jose', async ({ record, plaintext }) => {
    const decrypted = await flattenedDecrypt(record.jwe, await keyBytes(file));
    expect(Buffer.from(decrypted.plaintext).toString('base64url')).toBe(plaintext);
  });
});

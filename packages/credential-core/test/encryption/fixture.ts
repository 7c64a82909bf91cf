import { createHash } from 'node:crypto';
import { EncryptionKey } from '../../src/encryption/key.ts';
import type { EncryptionManager } from '../../src/encryption/manager.ts';
import type { CredentialId, Scope } from '../../src/identity.ts';
import type { RecordMeta } from '../../src/metadata.ts';
import { createWriteId, type EncryptedData, type EncryptedRecord } from '../../src/record.ts';

export interface TestTarget {
  readonly id: CredentialId;
  readonly scope: Scope | undefined;
}

export function target(id: string, scope?: string): TestTarget {
  return { id: id as CredentialId, scope: scope as Scope | undefined };
}

export const meta: RecordMeta = {
  createdAt: '2025-01-02T03:04:05.678Z',
  lastModified: '2026-07-08T09:10:11.121Z',
  expiresAt: '2027-01-01T00:00:00.000Z',
  rotationPolicy: { intervalDays: 90 },
  tags: { team: 'payments', env: 'prod' },
};

export function recordOf(writeId: string, recordMeta: RecordMeta, jwe: EncryptedData): EncryptedRecord {
  return { v: 1, kind: 'value', writeId, meta: recordMeta, jwe };
}

/** A record as CredentialManager makes it. */
export async function encryptRecord(
  manager: EncryptionManager,
  plaintext: Uint8Array,
  to: TestTarget,
  recordMeta: RecordMeta = meta,
): Promise<EncryptedRecord> {
  const writeId = createWriteId();
  const jwe = await manager.encrypt(plaintext, { ...to, writeId, meta: recordMeta });
  return recordOf(writeId, recordMeta, jwe);
}

/** Bytes of a test key; anyone can compute them, so that no key lies in the repository. */
export function publicKeyBytes(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** A random key, with its bytes for other libraries. */
export async function knownKey(): Promise<{ readonly key: EncryptionKey; readonly bytes: Buffer }> {
  const key = EncryptionKey.generate();
  const bytes = await (await key.export()).expose((exposed) => Buffer.from(exposed));
  return { key, bytes };
}

/** The code that a call fails with; a plaintext is a failed test. */
export async function codeOf(call: () => Promise<unknown> | unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
  return 'none';
}

import { randomBytes } from 'node:crypto';
import {
  CryptoError,
  type CryptoErrorCode,
  checkRecord,
  type EncryptedRecord,
  hasCode,
  type Revision,
  type Target,
} from '@nebula/credential-core';
import * as v from 'valibot';
import { fileName } from './naming.ts';

/** What a credential's file holds. The record is the core's; around it is what a file system cannot say of a file. */
export interface Document {
  readonly v: 1;
  /** With the scope: whose file this is, whatever name it was moved to. */
  readonly id: string;
  readonly scope?: string;
  /** When the credential was first written; carried over by every later write. */
  readonly createdAt: string;
  readonly writtenAt: string;
  /** 1 and up since the credential was first written. */
  readonly version: number;
  /** Random, one per write. It tells a write from any other, also from one of the same record. */
  readonly stamp: string;
  readonly record: EncryptedRecord;
}

/** Largest record. */
export const MAX_RECORD_BYTES: number = 4 * 1024 * 1024;

/** Largest file: a record, and what {@link Document} puts around it. */
export const MAX_FILE_BYTES: number = MAX_RECORD_BYTES + 4_096;

/** The document of a write that follows `before`. */
export function nextDocument(
  target: Target,
  record: EncryptedRecord,
  before: Partial<Pick<Document, 'createdAt' | 'version'>> | undefined,
): Document {
  const writtenAt = new Date().toISOString();
  return {
    v: 1,
    id: target.id,
    ...(target.scope !== undefined && { scope: target.scope }),
    createdAt: before?.createdAt ?? writtenAt,
    writtenAt,
    version: (before?.version ?? 0) + 1,
    stamp: randomBytes(12).toString('base64url'),
    record,
  };
}

/** Never the same for two writes, also after the credential was deleted and made anew. */
export function revisionOf({ version, stamp }: Document): Revision {
  return `${version}.${stamp}` as Revision;
}

const date = v.pipe(v.string(), v.isoTimestamp());

const envelopeSchema = v.strictObject({
  v: v.literal(1),
  id: v.string(),
  scope: v.exactOptional(v.string()),
  createdAt: date,
  writtenAt: date,
  version: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  stamp: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{16}$/)),
  record: v.unknown(),
});

/**
 * Reads a document.
 * @param path - for messages.
 * @throws CryptoError CORRUPTED, UNSUPPORTED_FORMAT
 */
export function parseDocument(text: string, path: string): Document {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged(path, 'is not JSON');
  }
  if (
    typeof value === 'object' &&
    value !== null &&
    'v' in value &&
    typeof value.v === 'number' &&
    value.v > 1
  ) {
    throw damaged(path, 'was written by a later version of this library', 'UNSUPPORTED_FORMAT');
  }
  const result = v.safeParse(envelopeSchema, value);
  if (!result.success) {
    throw damaged(path, `is malformed at ${v.getDotPath(result.issues[0]) ?? 'its top level'}`);
  }
  try {
    return { ...result.output, record: checkRecord(result.output.record) } as Document;
  } catch (error) {
    if (hasCode(error, 'CORRUPTED', 'UNSUPPORTED_FORMAT')) {
      throw damaged(path, `does not hold a record: ${error.message}`, error.code);
    }
    throw error;
  }
}

/**
 * Holds a document against the credential that was asked for, or against the name it was found under: a file that was
 * moved or renamed is damaged, not somebody else's credential.
 * @throws CryptoError CORRUPTED
 */
export function assertBelongs(document: Document, target: Target, path: string): void {
  if (document.id !== target.id || document.scope !== target.scope) {
    throw damaged(path, 'holds the credential of another id or scope: it was moved or renamed');
  }
}

/** Like {@link assertBelongs}, for a hashed name, which only the document itself resolves. */
export function assertNamed(document: Document, scope: Target['scope'], name: string, path: string): void {
  const target = { id: document.id, scope } as Target;
  assertBelongs(document, target, path);
  if (fileName(target) !== name) {
    throw damaged(path, 'holds the credential of another id: it was moved or renamed');
  }
}

/** An error that names the file; the content shows nowhere. */
export function damaged(path: string, what: string, code: CryptoErrorCode = 'CORRUPTED'): CryptoError {
  return new CryptoError(code, `the file ${path} ${what}`, {
    ...(code === 'CORRUPTED' && {
      remedy: `Restore ${path} from a backup, or store or delete the credential.`,
    }),
  });
}

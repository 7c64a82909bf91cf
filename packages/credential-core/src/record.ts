import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import type { DriverTraits } from './driver.ts';
import { CryptoError, StorageError } from './errors.ts';
import type { RecordMeta, Tags } from './metadata.ts';
import { invalidArgument, parseWith } from './validation.ts';

/** A credential's content key, wrapped, and its value, encrypted: the flattened JSON serialization of JWE (RFC 7516). */
export interface EncryptedData {
  readonly protected: string;
  readonly encrypted_key: string;
  readonly iv: string;
  readonly ciphertext: string;
  readonly tag: string;
  readonly aad: string;
}

/** A record whose value is encrypted by this library. */
export interface EncryptedRecord {
  readonly v: 1;
  readonly kind: 'value';
  /** 22 characters of base64url, 128 random bits, one per write. */
  readonly writeId: string;
  readonly meta: RecordMeta;
  readonly jwe: EncryptedData;
}

/** A record whose value the backend stores as it is (`encryption: 'provider'`). */
export interface PlainRecord {
  readonly v: 1;
  readonly kind: 'value';
  readonly writeId: string;
  readonly meta: RecordMeta;
  readonly value: Uint8Array;
}

/** What a driver stores under an id. */
export type StoredRecord = EncryptedRecord | PlainRecord;

/** Mints the id of one write. */
export function createWriteId(): string {
  return randomBytes(16).toString('base64url');
}

/** Whether the value is encrypted by this library. */
export function isEncrypted(record: StoredRecord): record is EncryptedRecord {
  return 'jwe' in record;
}

/** The record as one compact JSON text, as drivers store it. */
export function serializeRecord(record: EncryptedRecord): string {
  const { v: version, kind, writeId, meta, jwe } = record;
  return JSON.stringify({ v: version, kind, writeId, meta, jwe });
}

const isoDate = v.pipe(
  v.string(),
  v.check((text) => {
    const date = new Date(text);
    return !Number.isNaN(date.getTime()) && date.toISOString() === text;
  }, 'must be a date as Date.toISOString() writes it'),
);

// Not v.record: it leaves out the keys `constructor` and `prototype`, and the record would no longer be what was written.
const tagsSchema = v.custom<Tags>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((tag) => typeof tag === 'string'),
);

const recordEntries = {
  v: v.literal(1),
  kind: v.literal('value'),
  writeId: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}$/)),
  meta: v.strictObject({
    createdAt: v.exactOptional(isoDate),
    lastModified: isoDate,
    expiresAt: v.exactOptional(isoDate),
    rotationPolicy: v.exactOptional(v.strictObject({ intervalDays: v.pipe(v.number(), v.integer()) })),
    tags: tagsSchema,
  }),
};

const encryptedSchema: v.GenericSchema<unknown, EncryptedRecord> = v.strictObject({
  ...recordEntries,
  jwe: v.strictObject({
    protected: v.string(),
    encrypted_key: v.string(),
    iv: v.string(),
    ciphertext: v.string(),
    tag: v.string(),
    aad: v.string(),
  }),
}) as never;

/**
 * Reads a stored record.
 * @throws CryptoError UNSUPPORTED_FORMAT when `v` or `kind` is not known to this version, CORRUPTED for anything else
 * that is no record.
 */
export function parseRecord(text: string): EncryptedRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new CryptoError('CORRUPTED', 'the stored record is not JSON');
  }
  return checkRecord(value);
}

/** Like {@link parseRecord}, for a record that was parsed as part of something larger. */
export function checkRecord(value: unknown): EncryptedRecord {
  if (typeof value === 'object' && value !== null && 'v' in value && 'kind' in value) {
    if (
      (typeof value.v === 'number' && value.v !== 1) ||
      (typeof value.kind === 'string' && value.v === 1 && value.kind !== 'value')
    ) {
      throw new CryptoError('UNSUPPORTED_FORMAT', 'the stored record is of a version or kind not known here');
    }
  }
  const result = v.safeParse(encryptedSchema, value);
  if (!result.success) {
    const path = v.getDotPath(result.issues[0]) ?? '';
    throw new CryptoError('CORRUPTED', `the stored record is malformed${path && ` at ${path}`}`);
  }
  return result.output;
}

const plainSchema: v.GenericSchema<unknown, PlainRecord> = v.strictObject({
  ...recordEntries,
  value: v.instance(Uint8Array),
}) as never;

/**
 * Holds what a caller passed as a record against the type.
 * @throws ValidationError INVALID_ARGUMENT
 */
export function checkRecordArgument(record: StoredRecord): void {
  const plain = typeof record === 'object' && record !== null && 'value' in record;
  parseWith<unknown, StoredRecord>(
    plain ? plainSchema : encryptedSchema,
    record,
    'INVALID_ARGUMENT',
    'record',
  );
}

/**
 * @throws ValidationError INVALID_ARGUMENT
 */
export function checkTagCount({ meta }: StoredRecord, { tags }: DriverTraits): void {
  const count = Object.keys(meta.tags).length;
  if (count > tags.count) {
    throw invalidArgument('tags', `must be at most ${tags.count}, the limit of the backend, got ${count}`);
  }
}

/**
 * @throws StorageError TOO_LARGE
 */
export function checkRecordSize(record: StoredRecord, { maxRecordBytes }: DriverTraits): void {
  const plaintext = isEncrypted(record)
    ? Math.floor((record.jwe.ciphertext.length * 3) / 4)
    : record.value.byteLength;
  const size = isEncrypted(record) ? Buffer.byteLength(serializeRecord(record)) : plaintext;
  if (size > maxRecordBytes) {
    throw new StorageError(
      'TOO_LARGE',
      `the value has ${plaintext} bytes and ${size} as stored; at most ${maxRecordBytes} can be stored`,
      { size, limit: maxRecordBytes },
    );
  }
}

import {
  isEncrypted,
  type PlainRecord,
  parseRecord,
  type StoredRecord,
  serializeRecord,
} from '@nebula/credential-core';

/** A record as it lies in memory: an envelope as its text, a plain value as a copy that nobody else holds. */
export type Content = string | PlainRecord;

/** Takes a record in. What its owner does to the bytes afterwards does not reach the copy. */
export function toContent(record: StoredRecord): Content {
  return isEncrypted(record) ? serializeRecord(record) : copyOf(record);
}

/** Hands a record out. What its reader does to the bytes does not reach the storage. */
export function fromContent(content: Content): StoredRecord {
  return typeof content === 'string' ? parseRecord(content) : copyOf(content);
}

function copyOf(record: PlainRecord): PlainRecord {
  return { ...record, meta: JSON.parse(JSON.stringify(record.meta)), value: Uint8Array.from(record.value) };
}

import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';

const algorithm = 'id-aes256-wrap';
/** RFC 3394 section 2.2.3.1. */
const initialValue = Buffer.alloc(8, 0xa6);

/** A content key of 256 bits wrapped by AES-256 Key Wrap (RFC 3394): 40 bytes. */
export function wrapKey(contentKey: Uint8Array, keyEncryptionKey: KeyObject): Buffer {
  const cipher = createCipheriv(algorithm, keyEncryptionKey, initialValue);
  return Buffer.concat([cipher.update(contentKey), cipher.final()]);
}

/**
 * The content key in memory of its own, for the caller to zero; `undefined` when the wrap's integrity check fails,
 * that is, when it was altered or wrapped by another key.
 */
export function unwrapKey(wrapped: Uint8Array, keyEncryptionKey: KeyObject): Buffer | undefined {
  const decipher = createDecipheriv(algorithm, keyEncryptionKey, initialValue);
  try {
    const contentKey = decipher.update(wrapped);
    decipher.final();
    return contentKey;
  } catch {
    return undefined;
  }
}

import { createCipheriv, createDecipheriv } from 'node:crypto';

const algorithm = 'aes-256-gcm';
const authTagLength = 16;

/** What A256GCM gives. */
export interface SealedContent {
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

/** A256GCM (RFC 7518 section 5.3): a key of 256 bits, an IV of 96 bits that this key never saw, a tag of 128 bits. */
export function encryptContent(
  plaintext: Uint8Array,
  contentKey: Uint8Array,
  iv: Uint8Array,
  additionalData: Uint8Array,
): SealedContent {
  const cipher = createCipheriv(algorithm, contentKey, iv, { authTagLength });
  cipher.setAAD(additionalData);
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  return { ciphertext, tag: cipher.getAuthTag() };
}

/** The plaintext in memory of its own, for the caller to zero; `undefined` when the tag does not match. */
export function decryptContent(
  { ciphertext, tag }: SealedContent,
  contentKey: Uint8Array,
  iv: Uint8Array,
  additionalData: Uint8Array,
): Buffer | undefined {
  const decipher = createDecipheriv(algorithm, contentKey, iv, { authTagLength });
  decipher.setAAD(additionalData);
  decipher.setAuthTag(tag);
  const plaintext = decipher.update(ciphertext);
  try {
    decipher.final();
    return plaintext;
  } catch {
    plaintext.fill(0);
    return undefined;
  }
}

import { randomBytes } from 'node:crypto';
import { createWriteId, type EncryptedRecord, type Tags } from '@nebula/credential-core';

/** An envelope as a driver sees it: it cannot tell that no key opens it. */
export function recordOf(tags: Tags = {}, size = 64, lastModified: Date = new Date()): EncryptedRecord {
  const text = (bytes: number): string => randomBytes(bytes).toString('base64url');
  return {
    v: 1,
    kind: 'value',
    writeId: createWriteId(),
    meta: { lastModified: lastModified.toISOString(), tags },
    jwe: {
      protected: text(60),
      encrypted_key: text(40),
      iv: text(12),
      ciphertext: text(size),
      tag: text(16),
      aad: text(90),
    },
  };
}

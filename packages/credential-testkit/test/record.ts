import { createWriteId, type EncryptedRecord, type Tags } from '@nebula/credential-core';

/** An envelope that opens with no key. */
export function recordOf(tags: Tags = {}): EncryptedRecord {
  return {
    v: 1,
    kind: 'value',
    writeId: createWriteId(),
    meta: { lastModified: new Date().toISOString(), tags },
    jwe: { protected: 'a', encrypted_key: 'b', iv: 'c', ciphertext: 'd', tag: 'e', aad: 'f' },
  };
}

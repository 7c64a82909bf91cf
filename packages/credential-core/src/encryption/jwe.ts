import { type KeyObject, randomBytes } from 'node:crypto';
import { CryptoError } from '../errors.ts';
import type { EncryptedData } from '../record.ts';
import { decodeBase64url } from './base64url.ts';
import { decryptContent, encryptContent } from './content-encryption.ts';
import { unwrapKey, wrapKey } from './key-wrap.ts';

const alg = 'A256KW';
const enc = 'A256GCM';
const typ = 'nebula-credential+jwe';

const fields = ['protected', 'encrypted_key', 'iv', 'ciphertext', 'tag', 'aad'] as const;

/** An {@link EncryptedData} whose encoding was checked; its header and everything authenticated were not. */
export interface Envelope {
  readonly protected: string;
  readonly aad: string;
  readonly encryptedKey: Buffer;
  readonly iv: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

/** The protected header that this library writes, as base64url. */
export function protectedHeader(kid: string): string {
  return Buffer.from(JSON.stringify({ alg, enc, kid, typ })).toString('base64url');
}

/**
 * Encrypts under a content key made for this one call.
 * @param aad - additional authenticated data as base64url.
 */
export function seal(
  plaintext: Uint8Array,
  keyEncryptionKey: KeyObject,
  kid: string,
  aad: string,
): EncryptedData {
  const header = protectedHeader(kid);
  const iv = randomBytes(12);
  const contentKey = randomBytes(32);
  try {
    const { ciphertext, tag } = encryptContent(plaintext, contentKey, iv, additionalData(header, aad));
    return {
      protected: header,
      encrypted_key: wrapKey(contentKey, keyEncryptionKey).toString('base64url'),
      iv: iv.toString('base64url'),
      ciphertext: ciphertext.toString('base64url'),
      tag: tag.toString('base64url'),
      aad,
    };
  } finally {
    contentKey.fill(0);
  }
}

/**
 * Reads the encoding, strictly: exactly the six members, canonical base64url.
 * @throws CryptoError CORRUPTED
 */
export function parseEnvelope(jwe: EncryptedData): Envelope {
  if (typeof jwe !== 'object' || jwe === null) {
    throw new CryptoError('CORRUPTED', 'the record holds no encrypted value');
  }
  if (Object.keys(jwe).some((key) => !(fields as readonly string[]).includes(key))) {
    throw new CryptoError('CORRUPTED', 'the encrypted value has a member that does not belong to it');
  }
  if (typeof jwe.protected !== 'string' || typeof jwe.aad !== 'string') {
    throw new CryptoError('CORRUPTED', 'protected or aad of the encrypted value is missing');
  }
  return {
    protected: jwe.protected,
    aad: jwe.aad,
    encryptedKey: decodeField(jwe, 'encrypted_key'),
    iv: decodeField(jwe, 'iv'),
    ciphertext: decodeField(jwe, 'ciphertext'),
    tag: decodeField(jwe, 'tag'),
  };
}

function decodeField(jwe: EncryptedData, name: (typeof fields)[number]): Buffer {
  const bytes = decodeBase64url(jwe[name]);
  if (bytes === undefined) {
    throw new CryptoError('CORRUPTED', `${name} of the encrypted value is not canonical base64url`);
  }
  return bytes;
}

/**
 * The id of the key that a protected header names, not authenticated yet.
 * @throws CryptoError CORRUPTED when it is no JWE header in compact JSON, UNSUPPORTED_FORMAT when it is one with other
 * members or values than this library writes.
 */
export function readKid(header: string): string {
  const value = parseHeader(header);
  if (typeof value?.alg !== 'string' || typeof value.enc !== 'string') {
    throw new CryptoError('CORRUPTED', 'the protected header of the encrypted value is malformed');
  }
  const { kid } = value;
  if (
    value.alg !== alg ||
    value.enc !== enc ||
    value.typ !== typ ||
    typeof kid !== 'string' ||
    decodeBase64url(kid)?.byteLength !== 32 ||
    Object.keys(value).length !== 4
  ) {
    throw new CryptoError(
      'UNSUPPORTED_FORMAT',
      `the protected header of the encrypted value is not exactly alg ${alg}, enc ${enc}, kid, typ ${typ}`,
    );
  }
  return kid;
}

type Header = Readonly<Partial<Record<'alg' | 'enc' | 'kid' | 'typ', unknown>>>;

function parseHeader(header: string): Header | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(header, 'base64url').toString());
    // Written again it must be the same text: refuses lax base64url, duplicate members and escapes at once.
    return typeof value === 'object' &&
      value !== null &&
      Buffer.from(JSON.stringify(value)).toString('base64url') === header
      ? value
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Decrypts an envelope whose header was read. The result is in memory of its own, for the caller to zero.
 * @param aad - what the reader built by itself, as base64url; the carried one must equal it.
 * @throws CryptoError CORRUPTED for lengths that the algorithms do not give, DECRYPTION_FAILED
 */
export function open(envelope: Envelope, keyEncryptionKey: KeyObject, aad: string): Buffer {
  const { encryptedKey, iv, tag } = envelope;
  if (encryptedKey.byteLength !== 40 || iv.byteLength !== 12 || tag.byteLength !== 16) {
    throw new CryptoError('CORRUPTED', 'encrypted_key, iv or tag of the encrypted value is cut or too long');
  }
  if (envelope.aad !== aad) {
    throw new CryptoError(
      'DECRYPTION_FAILED',
      'the encrypted value was made for another id, scope, write or metadata',
    );
  }
  const contentKey = unwrapKey(encryptedKey, keyEncryptionKey);
  if (contentKey === undefined) {
    throw new CryptoError('DECRYPTION_FAILED', 'the content key was altered or wrapped by another key');
  }
  try {
    const plaintext = decryptContent(
      envelope,
      contentKey,
      iv,
      additionalData(envelope.protected, envelope.aad),
    );
    if (plaintext === undefined) {
      throw new CryptoError('DECRYPTION_FAILED', 'the encrypted value was altered');
    }
    return plaintext;
  } finally {
    contentKey.fill(0);
  }
}

/** Whether the content key was wrapped by this key. */
export function isWrappedBy(envelope: Envelope, keyEncryptionKey: KeyObject): boolean {
  return unwrapKey(envelope.encryptedKey, keyEncryptionKey)?.fill(0) !== undefined;
}

/** RFC 7516 section 5.1 step 14. */
function additionalData(header: string, aad: string): Buffer {
  return Buffer.from(`${header}.${aad}`, 'latin1');
}

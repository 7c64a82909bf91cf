import { createHash } from 'node:crypto';
import type { Target } from './driver.ts';
import { CryptoError } from './errors.ts';

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
const hashLength = 26;
const hashedShape = /^[a-z0-9-]*--[a-z2-7]{26}$/i;

/**
 * Names with this prefix hold objects of this library's own (key descriptors, indexes, checkpoints). No credential is
 * ever named so, and lists skip them.
 */
export const RESERVED_PREFIX = '.nebula-';

/** Whether a plain id looks like a hashed name, and so must be hashed itself. */
export function hasHashedShape(name: string): boolean {
  return hashedShape.test(name);
}

/**
 * The name of a credential whose plain form does not fit a backend: `<slug>--<26 characters of base32 SHA-256>` over
 * scope and id, each prefixed by its length (32 bits, big-endian; the scope also by a byte that tells none from one).
 * Of lower case letters, digits and hyphens only. The backend must keep the full id beside it; see
 * {@link verifyHashedName}.
 * @param maxLength - longest name in characters that fits, at least 32.
 */
export function hashedName({ id, scope }: Target, maxLength: number): string {
  const digest = createHash('sha256').update(lengthPrefixed(scope)).update(lengthPrefixed(id)).digest();
  const slug = id
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, maxLength - hashLength - 2)
    .replace(/^-+|-+$/g, '');
  return `${slug}--${base32(digest).slice(0, hashLength)}`;
}

/**
 * Holds the id that a backend kept beside a hashed name against the name.
 * @throws CryptoError CORRUPTED when the one does not belong to the other.
 */
export function verifyHashedName(name: string, target: Target, maxLength: number): void {
  if (hashedName(target, maxLength) !== name) {
    throw new CryptoError('CORRUPTED', 'a stored id does not belong to the name it is stored under');
  }
}

function lengthPrefixed(text: string | undefined): Buffer {
  const bytes = Buffer.from(text ?? '');
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(text === undefined ? 0 : 1);
  prefix.writeUInt32BE(bytes.byteLength, 1);
  return Buffer.concat([prefix, bytes]);
}

function base32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? []).map((group) => alphabet[Number.parseInt(group, 2)]).join('');
}

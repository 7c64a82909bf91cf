import { createHash } from 'node:crypto';

/** The RFC 7638 thumbprint of a symmetric key, SHA-256, as base64url: its public name. */
export function thumbprint(bytes: Buffer): string {
  return createHash('sha256')
    .update(`{"k":"${bytes.toString('base64url')}","kty":"oct"}`)
    .digest('base64url');
}

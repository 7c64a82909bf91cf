/**
 * Strict base64url (RFC 4648 section 5): no padding, no foreign characters, unused trailing bits zero. `undefined`
 * for anything else. Node's own decoder skips what it does not know, so two texts could mean the same bytes.
 */
export function decodeBase64url(text: unknown): Buffer | undefined {
  if (typeof text !== 'string') {
    return undefined;
  }
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

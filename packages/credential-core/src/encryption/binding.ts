import type { Target } from '../driver.ts';
import type { RecordMeta } from '../metadata.ts';
import { invalidArgument, shapeOf } from '../validation.ts';
import { canonicalJson } from './canonical-json.ts';

/** What a ciphertext is bound to: it opens under nothing else. */
export interface Binding extends Target {
  readonly writeId: string;
  readonly meta: RecordMeta;
}

const domain = 'nebula.credential.v1';

/**
 * The additional authenticated data, as base64url: domain, scope (after a byte that tells none from one), id, writeId
 * and canonical metadata, each prefixed by its length in bytes (32 bits, big-endian). Distinct bindings give distinct
 * texts.
 * @throws ValidationError INVALID_ARGUMENT for text that is not well-formed Unicode.
 */
export function bindingAad({ scope, id, writeId, meta }: Binding): string {
  const parts = [
    domain,
    scope === undefined ? '\u0000' : `\u0001${wellFormed('scope', scope)}`,
    wellFormed('id', id),
    wellFormed('writeId', writeId),
    canonicalJson(meta, 'meta'),
  ].map((part) => Buffer.from(part));
  return Buffer.concat(parts.flatMap((part) => [lengthOf(part), part])).toString('base64url');
}

// Lone surrogates would all become U+FFFD, and so distinct texts equal bytes.
function wellFormed(name: string, text: unknown): string {
  if (typeof text !== 'string' || !text.isWellFormed()) {
    throw invalidArgument(name, `must be a well-formed string, got ${shapeOf(text)}`);
  }
  return text;
}

function lengthOf(part: Buffer): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(part.byteLength);
  return prefix;
}

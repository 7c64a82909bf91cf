import type { Driver } from './driver.ts';
import { serializeRecord } from './record.ts';

/** What a backend's tags may be. */
export interface TagLimits {
  /** Number of tags a credential. */
  readonly count: number;
}

/** What a provider offers, known without a call. What it does not offer is UNSUPPORTED before any call. */
export interface Capabilities {
  /** `store` with `ifAbsent`. */
  readonly ifAbsent: boolean;
  /** `store` with `ifRevision`. */
  readonly ifRevision: boolean;
  /** `delete` with `ifRevision`. */
  readonly deleteIfRevision: boolean;
  /** `provider.versions` and `retrieve` with `version`. */
  readonly versions: boolean;
  /** `provider.deleted`: deleted credentials can be listed, restored and purged. */
  readonly deleted: boolean;
  /** `provider.scopes`. */
  readonly scopes: boolean;
  /** `provider.watch`. */
  readonly watch: boolean;
  /** `encryption: 'provider'`: the backend stores values as they are. */
  readonly plainValues: boolean;
  /** `retrieve` with `nativeName`. */
  readonly nativeName: boolean;
  /** Whether the tags that lists search are written together with the value, or follow it. */
  readonly index: 'atomic' | 'eventual';
  /** Whether metadata is whole under `encryption: 'provider'`. */
  readonly metadataAtomic: boolean;
  /** Largest value that always fits when it has no tags, in bytes. */
  readonly maxPlaintextBytes: number;
  readonly tags: TagLimits;
}

/** What a driver offers: what it says of itself, and what members it has. */
export function capabilitiesOf({ traits, history, bin, scopes, watch }: Driver): Capabilities {
  const { maxRecordBytes, ...rest } = traits;
  return {
    ...rest,
    versions: history !== undefined,
    deleted: bin !== undefined,
    scopes: scopes !== undefined,
    watch: watch !== undefined,
    maxPlaintextBytes: maxPlaintextBytes(maxRecordBytes),
  };
}

/** Base64url of a length in bytes, without padding. */
const base64Length = (bytes: number): number => Math.ceil((bytes * 4) / 3);

/** What is left of a record when its id, scope and dates are as long as they can be, and it has no tags. */
function maxPlaintextBytes(maxRecordBytes: number): number {
  const date = new Date(0).toISOString();
  const meta = {
    createdAt: date,
    lastModified: date,
    expiresAt: date,
    rotationPolicy: { intervalDays: 3_650 },
    tags: {},
  };
  const header = JSON.stringify({
    alg: 'A256KW',
    enc: 'A256GCM',
    kid: 'x'.repeat(43),
    typ: 'nebula-credential+jwe',
  });
  // Five parts, each behind four bytes of length: the constant, scope with its marker, id, writeId, metadata.
  const aad = 5 * 4 + 'nebula.credential.v1'.length + 1 + 63 + 128 + 22 + JSON.stringify(meta).length;
  const overhead = serializeRecord({
    v: 1,
    kind: 'value',
    writeId: 'x'.repeat(22),
    meta,
    jwe: {
      protected: 'x'.repeat(base64Length(header.length)),
      encrypted_key: 'x'.repeat(base64Length(40)),
      iv: 'x'.repeat(base64Length(12)),
      ciphertext: '',
      tag: 'x'.repeat(base64Length(16)),
      aad: 'x'.repeat(base64Length(aad)),
    },
  }).length;
  return Math.max(0, Math.floor(((maxRecordBytes - overhead) * 3) / 4));
}

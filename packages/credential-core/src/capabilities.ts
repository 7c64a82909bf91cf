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

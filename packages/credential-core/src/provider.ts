import type { Capabilities } from './capabilities.ts';
import type { CredentialContext, CredentialId, Scope } from './identity.ts';
import type { CredentialFilter, CredentialMetadata, Tags } from './metadata.ts';
import type { StorageMetrics } from './metrics.ts';
import type { StoredRecord } from './record.ts';
import type { Revision } from './revision.ts';

/**
 * `configured` from the constructor on, `connecting` during the first `connect()`, `connected` after it succeeded,
 * `closed` for good after `close()`. A failed connect falls back to `configured`.
 */
export type ProviderState = 'configured' | 'connecting' | 'connected' | 'closed';

/** What every call takes. */
export interface CallOptions {
  /** Ends the call at once; its reason becomes the cause of ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /** Deadline of the whole operation in milliseconds, 1 to 60,000. Default: the provider's `timeouts`. */
  readonly timeout?: number | undefined;
}

export interface StoreOptions extends CallOptions {
  /** Only if there is no such credential; ALREADY_EXISTS otherwise. */
  readonly ifAbsent?: boolean | undefined;
  /** Only if the credential is still in this state; CONFLICT otherwise, also when it is gone. */
  readonly ifRevision?: Revision | undefined;
  /** Under `encryption: 'provider'`: write over an object that this library did not make. */
  readonly adopt?: boolean | undefined;
}

export interface DeleteOptions extends CallOptions {
  /** Only if the credential is still in this state; CONFLICT otherwise. One that is gone already is a success. */
  readonly ifRevision?: Revision | undefined;
}

export interface RetrieveOptions extends CallOptions {
  /** A version as `versions.list` names it; default the current one. */
  readonly version?: string | undefined;
  /** Gives `undefined` instead of the credential while it is in this state. */
  readonly ifNotRevision?: Revision | undefined;
  /** Reads an object of the backend that this library did not name; the id is for errors and tracing only. */
  readonly nativeName?: string | undefined;
}

/** A stored record with what the backend says of it. */
export interface StoredCredential {
  readonly id: CredentialId;
  readonly record: StoredRecord;
  readonly metadata: CredentialMetadata;
  readonly revision: Revision;
}

/** Metadata without the value. */
export interface CredentialHead {
  readonly id: CredentialId;
  readonly metadata: CredentialMetadata;
  readonly revision: Revision;
}

/** One line of a listing. */
export interface CredentialEntry {
  readonly id: CredentialId;
  readonly tags: Tags;
  readonly lastModified?: Date | undefined;
  readonly revision?: Revision | undefined;
}

/** One line of a credential's history. */
export interface CredentialVersion {
  /** Name of the version, for `retrieve` and `restore`. */
  readonly version: string;
  readonly createdAt?: Date | undefined;
  readonly current: boolean;
}

/** A credential that was deleted and can still be restored. */
export interface DeletedCredential {
  readonly id: CredentialId;
  readonly deletedAt?: Date | undefined;
  /** When the backend will remove it for good. */
  readonly purgeAt?: Date | undefined;
}

/** A change seen by `watch`. */
export interface CredentialChange {
  readonly type: 'stored' | 'deleted';
  readonly id: CredentialId;
  readonly revision?: Revision | undefined;
  /** Pass it as `cursor` to go on after this change. */
  readonly cursor: string;
}

export interface WatchOptions {
  /** Ends the iteration with ABORTED. Leaving the loop ends it too. */
  readonly signal?: AbortSignal | undefined;
  /** Goes on after the change that carried it; default: from now on. */
  readonly cursor?: string | undefined;
}

export interface VersionHistory {
  /** Newest first. NOT_FOUND when there is no such credential. */
  list(id: string, context?: CredentialContext, options?: CallOptions): AsyncIterable<CredentialVersion>;
  /** Makes an old version the current one; the history keeps both. */
  restore(id: string, version: string, context?: CredentialContext, options?: CallOptions): Promise<Revision>;
}

export interface DeletedCredentials {
  list(context?: CredentialContext, options?: CallOptions): AsyncIterable<DeletedCredential>;
  /** NOT_FOUND when nothing deleted has this id; ALREADY_EXISTS when the id is in use. */
  restore(id: string, context?: CredentialContext, options?: CallOptions): Promise<Revision>;
  /** Removes it for good; of an absent one it succeeds. A credential that is not deleted is untouched. */
  purge(id: string, context?: CredentialContext, options?: CallOptions): Promise<void>;
}

/**
 * The contract of all backends. Implemented only by this package (`createProvider`), so it may grow in a minor
 * release; drivers implement {@link Driver}.
 *
 * Every method may throw ValidationError INVALID_ARGUMENT, and StorageError PERMISSION_DENIED, AUTHENTICATION_FAILED,
 * RATE_LIMITED, UNAVAILABLE, TIMEOUT, ABORTED, UNSUPPORTED and CLOSED; what it throws beside these stands with it.
 */
export interface StorageProvider extends AsyncDisposable {
  /** `local`, `aws`, `azure`, `vault`, `k8s`, or a driver's own. */
  readonly name: string;
  readonly state: ProviderState;
  readonly capabilities: Capabilities;
  readonly metrics: StorageMetrics;
  /** Proves that the backend can be reached and read, within 2 s. Without it the first operation does. */
  connect(options?: CallOptions): Promise<void>;
  /** Readiness: reachable and permitted now. */
  check(options?: CallOptions): Promise<void>;
  /**
   * Overwrites unless told otherwise. Repeating it is safe: the record's writeId tells the write from others.
   * @throws StorageError ALREADY_EXISTS, CONFLICT, TOO_LARGE, QUOTA_EXCEEDED, INVALID_STATE, OUTCOME_UNKNOWN; always
   * with `outcome`.
   */
  store(
    id: string,
    record: StoredRecord,
    context?: CredentialContext,
    options?: StoreOptions,
  ): Promise<Revision>;
  /**
   * @throws StorageError NOT_FOUND; CryptoError CORRUPTED, UNSUPPORTED_FORMAT
   */
  retrieve(
    id: string,
    context?: CredentialContext,
    options?: RetrieveOptions & { readonly ifNotRevision?: undefined },
  ): Promise<StoredCredential>;
  retrieve(
    id: string,
    context: CredentialContext | undefined,
    options: RetrieveOptions,
  ): Promise<StoredCredential | undefined>;
  /**
   * Metadata and revision; the value is not read where the backend can do without.
   * @throws StorageError NOT_FOUND
   */
  head(id: string, context?: CredentialContext, options?: CallOptions): Promise<CredentialHead>;
  /** `false` only for a proven absence; anything else that fails is thrown. */
  exists(id: string, context?: CredentialContext, options?: CallOptions): Promise<boolean>;
  /**
   * Of an absent credential it succeeds.
   * @throws StorageError CONFLICT, INVALID_STATE, OUTCOME_UNKNOWN; always with `outcome`.
   */
  delete(id: string, context?: CredentialContext, options?: DeleteOptions): Promise<void>;
  /** Ids, page by page, in no promised order; deadline and retries hold per page. */
  list(
    filter?: CredentialFilter,
    context?: CredentialContext,
    options?: CallOptions,
  ): AsyncIterable<CredentialId>;
  /** Like `list`, with tags, date and revision. */
  entries(
    filter?: CredentialFilter,
    context?: CredentialContext,
    options?: CallOptions,
  ): AsyncIterable<CredentialEntry>;
  /** Administrative: every scope that holds a credential. Absent where `capabilities.scopes` is false. */
  readonly scopes?: (options?: CallOptions) => AsyncIterable<Scope>;
  /** Absent where `capabilities.watch` is false. */
  readonly watch?: (
    filter?: CredentialFilter,
    context?: CredentialContext,
    options?: WatchOptions,
  ) => AsyncIterable<CredentialChange>;
  /** Absent where `capabilities.versions` is false. */
  readonly versions?: VersionHistory;
  /** Absent where `capabilities.deleted` is false. */
  readonly deleted?: DeletedCredentials;
  /** Lets running operations end, then gives back what the driver holds. */
  close(): Promise<void>;
}

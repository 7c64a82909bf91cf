import type { Capabilities } from './capabilities.ts';
import type { StorageErrorCode, WriteOutcome } from './errors.ts';
import type { CredentialId, Scope } from './identity.ts';
import type { CredentialFilter, RecordMeta, Tags } from './metadata.ts';
import type { CredentialChange, CredentialVersion, DeletedCredential } from './provider.ts';
import type { StoredRecord } from './record.ts';
import type { Revision } from './revision.ts';

/** Which credential: validated. A driver's naming maps it to a backend name, injectively. */
export interface Target {
  readonly id: CredentialId;
  readonly scope: Scope | undefined;
}

/** Under what condition a write may happen; at most one is given. */
export interface WriteCondition {
  readonly ifAbsent?: boolean | undefined;
  readonly ifRevision?: Revision | undefined;
  /** Write over an object that carries no marker of this library. */
  readonly adopt?: boolean | undefined;
}

/** What to read. */
export interface ReadSelector {
  readonly version?: string | undefined;
  readonly nativeName?: string | undefined;
}

/** What `read` found. */
export interface DriverRead {
  readonly record: StoredRecord;
  readonly revision: Revision;
  /** The backend's own creation time of the credential, where it has one. */
  readonly createdAt?: Date | undefined;
}

/** What `head` found. */
export interface DriverHead {
  readonly meta: RecordMeta;
  readonly revision: Revision;
  readonly createdAt?: Date | undefined;
}

/** One line of a page of a listing. `detail: 'ids'` needs only the id. */
export interface DriverEntry {
  readonly id: CredentialId;
  readonly tags?: Tags | undefined;
  readonly lastModified?: Date | undefined;
  readonly revision?: Revision | undefined;
}

export interface ListQuery {
  readonly scope: Scope | undefined;
  /** A hint: what a driver lets through is filtered again by the pipeline. */
  readonly filter: CredentialFilter;
  /** `ids`: nothing but the id will be used, and the filter is open. */
  readonly detail: 'ids' | 'entries';
}

/** A page; `next` is where the following one begins, absent on the last. A page may be empty and yet have a next. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string | undefined;
}

/** What an error of the backend or its SDK means. Comes from a pure table. */
export interface Classification {
  readonly code: StorageErrorCode;
  /** Without secrets, tokens, headers or bodies. */
  readonly message: string;
  /** Default: true for RATE_LIMITED, UNAVAILABLE, TIMEOUT. */
  readonly retryable?: boolean | undefined;
  /**
   * For a request that writes: whether it can have taken effect. Default: `unknown` for UNAVAILABLE and TIMEOUT,
   * `not-applied` for everything else.
   */
  readonly outcome?: WriteOutcome | undefined;
  readonly remedy?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly requestId?: string | undefined;
  /** Bytes as the backend counts them, with TOO_LARGE. */
  readonly size?: number | undefined;
  readonly limit?: number | undefined;
  /**
   * What becomes the error's `cause`. Default: a copy with the original's name, code and stack frames only. Pass the
   * original only where it can hold no secret.
   */
  readonly cause?: unknown;
}

/** What a look at the backend said about a write whose reply was lost. */
export type Reconciliation<T> =
  | { readonly state: 'applied'; readonly result: T }
  /** Proven: it did not happen. It is sent again. */
  | { readonly state: 'not-applied' }
  | { readonly state: 'unknown' };

/**
 * Finds out, with requests of its own through the same Call, whether a write whose reply was lost took effect.
 * Compares writeIds, never values.
 */
export type Reconcile<T> = () => Promise<Reconciliation<T>>;

export interface RequestOptions<T> {
  /**
   * For the request that makes a write take effect. `idempotent`: repeating it cannot do harm. A function: asked after
   * every attempt whose reply was lost, before the request is sent again.
   */
  readonly commit?: 'idempotent' | Reconcile<T> | undefined;
}

export interface PollOptions {
  /** Milliseconds between two looks; default 500. */
  readonly interval?: number | undefined;
}

/** Mends what made a request fail (a new login, a refreshed token); resolves to false when it does not apply. */
export type Repair = (error: unknown, signal: AbortSignal) => Promise<boolean>;

/**
 * The way to the backend that the pipeline hands to a driver for one operation. Every backend request goes through
 * it: it bounds, retries, classifies, measures and traces each by itself. A request must not be started within the
 * `attempt` of another.
 */
export interface Call {
  readonly operation: string;
  /** Aborted when the caller aborts, the deadline passes, or the operation has ended. */
  readonly signal: AbortSignal;
  /** Milliseconds left until the deadline. */
  remaining(): number;
  /**
   * One SDK request. `attempt` is called once per try, with a signal that ends with the attempt's own timeout; what it
   * throws goes through `Driver.classify`, except errors of this library, which are final.
   */
  request<T>(
    step: string,
    attempt: (signal: AbortSignal) => Promise<T>,
    options?: RequestOptions<T>,
  ): Promise<T>;
  /** Waits for a state of the backend: asks until the answer is not undefined, each time as a request. */
  poll<T>(
    step: string,
    attempt: (signal: AbortSignal) => Promise<T | undefined>,
    options?: PollOptions,
  ): Promise<T>;
  /** The same Call, whose first failed request is repeated once, at once, if the repair says that it helped. */
  once(repair: Repair): Call;
}

/** What a driver says of itself; the rest of {@link Capabilities} follows from the members it has. */
export interface DriverTraits
  extends Pick<
    Capabilities,
    | 'ifAbsent'
    | 'ifRevision'
    | 'deleteIfRevision'
    | 'plainValues'
    | 'nativeName'
    | 'index'
    | 'metadataAtomic'
    | 'tags'
  > {
  /** Largest serialized record in bytes as the backend counts them; for plain values, largest value. */
  readonly maxRecordBytes: number;
}

/**
 * One backend. Talks to its SDK through the {@link Call}, and says in a pure table what its errors mean. It does not
 * sleep, retry, log, measure or validate: the pipeline in this package does, once for all. Throw StorageError for a
 * verdict of its own (CONFLICT, ALREADY_EXISTS, INVALID_STATE); throw anything else as the SDK gave it.
 */
export interface Driver {
  readonly name: string;
  readonly traits: DriverTraits;
  /** What an error means; pure. `step` is the name of the request that failed. */
  classify(error: unknown, step: string): Classification;
  /** Proves that the backend can be reached and read with the least permission a reader has. Creates no credential. */
  connect?(call: Call): Promise<void>;
  /** Readiness; default: `connect`. */
  check?(call: Call): Promise<void>;
  /** Stores the record. Must honour the condition atomically, or declare that it cannot. */
  write(call: Call, target: Target, record: StoredRecord, condition: WriteCondition): Promise<Revision>;
  /** NOT_FOUND (thrown or classified) only for a proven absence. */
  read(call: Call, target: Target, selector: ReadSelector): Promise<DriverRead>;
  /** Like `read`, without the value where the backend can. */
  head(call: Call, target: Target): Promise<DriverHead>;
  /** Of an absent credential: NOT_FOUND or nothing, which the pipeline takes as success. */
  remove(call: Call, target: Target, condition: Pick<WriteCondition, 'ifRevision'>): Promise<void>;
  /** One page. Yields only what is in the scope and carries this library's marker, no credential twice. */
  list(call: Call, query: ListQuery, cursor: string | undefined): Promise<Page<DriverEntry>>;
  readonly scopes?: (call: Call, cursor: string | undefined) => Promise<Page<Scope>>;
  /** Changes until `signal` aborts; then returns or throws. */
  readonly watch?: (
    query: Omit<ListQuery, 'detail'>,
    cursor: string | undefined,
    signal: AbortSignal,
  ) => AsyncIterable<CredentialChange>;
  readonly history?: DriverHistory;
  readonly bin?: DriverBin;
  /** Gives back connections, handles, timers. Called once. */
  close?(): Promise<void>;
}

/** Versions of a credential. */
export interface DriverHistory {
  /** Newest first. */
  list(call: Call, target: Target, cursor: string | undefined): Promise<Page<CredentialVersion>>;
  restore(call: Call, target: Target, version: string): Promise<Revision>;
}

/** Credentials that were deleted and can be restored. */
export interface DriverBin {
  list(call: Call, scope: Scope | undefined, cursor: string | undefined): Promise<Page<DeletedCredential>>;
  restore(call: Call, target: Target): Promise<Revision>;
  purge(call: Call, target: Target): Promise<void>;
}

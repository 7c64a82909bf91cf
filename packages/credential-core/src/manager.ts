import * as v from 'valibot';
import { callEntries, retrieveEntries, storeEntries } from './call-options.ts';
import { EncryptionManager } from './encryption/manager.ts';
import {
  annotate,
  CredentialError,
  type CredentialErrorDetails,
  CryptoError,
  StorageError,
  ValidationError,
} from './errors.ts';
import {
  type CredentialContext,
  type CredentialId,
  credentialContext,
  credentialId,
  type ParsedContext,
} from './identity.ts';
import {
  type CredentialFilter,
  type CredentialMetadata,
  checkPortableTags,
  type MetadataInput,
  metadataEntries,
  toRecordMeta,
} from './metadata.ts';
import type {
  CallOptions,
  CredentialEntry,
  CredentialHead,
  CredentialVersion,
  DeletedCredential,
  DeleteOptions,
  RetrieveOptions,
  StorageProvider,
  StoredCredential,
  StoreOptions,
} from './provider.ts';
import { createWriteId, isEncrypted, type StoredRecord } from './record.ts';
import type { Revision } from './revision.ts';
import { type RotationOptions, type RotationReport, rotate } from './rotation.ts';
import { Secret } from './secret.ts';
import { dateSchema, optionsSchema, parseWith, shapeOf } from './validation.ts';

export interface CredentialManagerOptions {
  readonly provider: StorageProvider;
  /** The keys to encrypt with, or `'provider'`: values are stored as they are and the backend encrypts them. */
  readonly encryption: EncryptionManager | 'provider';
  /** For every call that gives none of its own. */
  readonly context?: CredentialContext | undefined;
  /** `portable` holds tags to what all backends take. Default `backend`: to what this one takes. */
  readonly limits?: 'backend' | 'portable' | undefined;
  /** What `retrieve` does with an expired credential. Default `return`, with `expired: true`. */
  readonly onExpired?: 'return' | 'throw' | undefined;
  /**
   * For migrations: also read what the other mode wrote. `'plain'` beside keys, an EncryptionManager beside
   * `'provider'`. Default: refuse it.
   */
  readonly alsoRead?: 'plain' | EncryptionManager | undefined;
}

/** A credential as an application sees it. */
export interface Credential {
  readonly id: CredentialId;
  readonly secret: Secret;
  readonly metadata: CredentialMetadata;
  readonly revision: Revision;
  /** Whether `metadata.expiresAt` has passed by this machine's clock. */
  readonly expired: boolean;
}

interface InContext {
  /** Instead of the manager's own. */
  readonly context?: CredentialContext | undefined;
}

export interface ManagerCallOptions extends CallOptions, InContext {}
export interface ManagerStoreOptions extends StoreOptions, MetadataInput, InContext {}
export interface ManagerDeleteOptions extends DeleteOptions, InContext {}
export interface ManagerRetrieveOptions extends RetrieveOptions, InContext {
  readonly onExpired?: 'return' | 'throw' | undefined;
  /** Refuses (CORRUPTED) a record that was last modified before: an older one may have been put back. */
  readonly minLastModified?: Date | undefined;
}

const expirySchema = v.picklist(
  ['return', 'throw'],
  (issue) => `must be 'return' or 'throw', got ${shapeOf(issue.input)}`,
);
const managerSchema = (message: string): v.GenericSchema<EncryptionManager> =>
  v.instance(EncryptionManager, (issue) => `${message}, got ${shapeOf(issue.input)}`);

const optionsOfManager: v.GenericSchema<unknown, CredentialManagerOptions> = v.pipe(
  optionsSchema({
    provider: v.custom<StorageProvider>(
      (value) =>
        typeof value === 'object' && value !== null && 'retrieve' in value && 'capabilities' in value,
      (issue) => `must be a StorageProvider, got ${shapeOf(issue.input)}`,
    ),
    encryption: v.union(
      [v.literal('provider'), managerSchema('')],
      (issue) => `must be an EncryptionManager or 'provider', got ${shapeOf(issue.input)}`,
    ),
    context: v.optional(v.unknown()),
    limits: v.optional(
      v.picklist(
        ['backend', 'portable'],
        (issue) => `must be 'backend' or 'portable', got ${shapeOf(issue.input)}`,
      ),
    ),
    onExpired: v.optional(expirySchema),
    alsoRead: v.optional(
      v.union(
        [v.literal('plain'), managerSchema('')],
        (issue) => `must be 'plain' or an EncryptionManager, got ${shapeOf(issue.input)}`,
      ),
    ),
  }),
  v.forward(
    v.check(
      ({ encryption, alsoRead }) =>
        alsoRead === undefined || (encryption === 'provider') !== (alsoRead === 'plain'),
      "must be 'plain' beside keys, or an EncryptionManager beside encryption: 'provider'",
    ),
    ['alsoRead'],
  ),
) as never;

const context = v.optional(v.unknown());
const storeSchema: v.GenericSchema<unknown, ManagerStoreOptions> = optionsSchema({
  ...storeEntries,
  ...metadataEntries,
  context,
}) as never;
const retrieveSchema: v.GenericSchema<unknown, ManagerRetrieveOptions> = optionsSchema({
  ...retrieveEntries,
  context,
  onExpired: v.optional(expirySchema),
  minLastModified: v.optional(dateSchema),
}) as never;
const listSchema: v.GenericSchema<unknown, ManagerCallOptions> = optionsSchema({
  ...callEntries,
  context,
}) as never;

/**
 * What an application works with: plaintext in, plaintext out, over any provider. Beside its own, every method throws
 * what the provider's method of the same name throws.
 */
export class CredentialManager {
  readonly provider: StorageProvider;
  /** History of a credential. UNSUPPORTED where `capabilities.versions` is false. */
  readonly versions: {
    /** Newest first. */
    list(id: string, options?: ManagerCallOptions): AsyncIterable<CredentialVersion>;
    restore(id: string, version: string, options?: ManagerCallOptions): Promise<Revision>;
  };
  /** Deleted credentials. UNSUPPORTED where `capabilities.deleted` is false. */
  readonly deleted: {
    list(options?: ManagerCallOptions): AsyncIterable<DeletedCredential>;
    restore(id: string, options?: ManagerCallOptions): Promise<Revision>;
    purge(id: string, options?: ManagerCallOptions): Promise<void>;
  };
  readonly #encryption: EncryptionManager | 'provider';
  readonly #alsoRead: 'plain' | EncryptionManager | undefined;
  readonly #context: ParsedContext;
  readonly #portable: boolean;
  readonly #onExpired: 'return' | 'throw';

  /** @throws ValidationError INVALID_CONFIG */
  constructor(options: CredentialManagerOptions) {
    const config = parseWith(optionsOfManager, options, 'INVALID_CONFIG', 'CredentialManager options');
    const { provider, encryption } = config;
    if (encryption === 'provider' && !provider.capabilities.plainValues) {
      throw new ValidationError(
        'INVALID_CONFIG',
        `encryption: 'provider' is not offered by the ${provider.name} provider, which does not encrypt by itself`,
        { remedy: 'Configure an EncryptionManager with a key.' },
      );
    }
    this.provider = provider;
    this.#encryption = encryption;
    this.#alsoRead = config.alsoRead;
    this.#context = credentialContext(config.context);
    this.#portable = config.limits === 'portable';
    this.#onExpired = config.onExpired ?? 'return';
    this.versions = {
      list: (id, callOptions) =>
        this.#stream((ctx, rest) => this.#offered('versions').list(id, ctx, rest), callOptions),
      restore: async (id, version, callOptions) => {
        const [ctx, rest] = this.#split(callOptions);
        return this.#offered('versions').restore(id, version, ctx, rest);
      },
    };
    this.deleted = {
      list: (callOptions) =>
        this.#stream((ctx, rest) => this.#offered('deleted').list(ctx, rest), callOptions),
      restore: async (id, callOptions) => {
        const [ctx, rest] = this.#split(callOptions);
        return this.#offered('deleted').restore(id, ctx, rest);
      },
      purge: async (id, callOptions) => {
        const [ctx, rest] = this.#split(callOptions);
        return this.#offered('deleted').purge(id, ctx, rest);
      },
    };
  }

  /**
   * Encrypts and stores; overwrites unless told otherwise. Metadata is replaced as a whole.
   * @throws ValidationError INVALID_ARGUMENT; StorageError as `StorageProvider.store`
   */
  async store(
    id: string,
    secret: Secret | string | Uint8Array,
    options: ManagerStoreOptions = {},
  ): Promise<Revision> {
    const { record, parsedId, ctx, rest } = await this.#describing('store', id, 'not-applied', async () => {
      const parsed = parseWith(storeSchema, options, 'INVALID_ARGUMENT', 'options');
      const { createdAt, expiresAt, rotationPolicy, tags = {}, context: own, ...callOptions } = parsed;
      const target = { parsedId: credentialId(id), ctx: this.#contextOf(own) };
      if (this.#portable) {
        checkPortableTags(tags);
      }
      const meta = toRecordMeta({ createdAt, expiresAt, rotationPolicy, tags }, new Date());
      const header = { v: 1, kind: 'value', writeId: createWriteId(), meta } as const;
      const encryption = this.#encryption;
      const sealed = await exposing(
        secret,
        async (bytes): Promise<StoredRecord> =>
          encryption === 'provider'
            ? { ...header, value: Uint8Array.from(bytes) }
            : {
                ...header,
                jwe: await encryption.encrypt(bytes, {
                  id: target.parsedId,
                  scope: target.ctx.scope,
                  writeId: header.writeId,
                  meta,
                }),
              },
      );
      return { ...target, record: sealed, rest: callOptions };
    });
    return this.provider.store(parsedId, record, ctx, rest);
  }

  /**
   * Reads and decrypts.
   * @returns the credential; undefined only with `ifNotRevision`, while it is in that state.
   * @throws StorageError NOT_FOUND, INVALID_STATE (expired, with `onExpired: 'throw'`); CryptoError; ValidationError
   * INVALID_CONFIG when the record was written in the other mode
   */
  retrieve(
    id: string,
    options?: ManagerRetrieveOptions & { readonly ifNotRevision?: undefined },
  ): Promise<Credential>;
  retrieve(id: string, options: ManagerRetrieveOptions): Promise<Credential | undefined>;
  async retrieve(id: string, options: ManagerRetrieveOptions = {}): Promise<Credential | undefined> {
    const parsed = await this.#describing('retrieve', id, undefined, async () =>
      parseWith(retrieveSchema, options, 'INVALID_ARGUMENT', 'options'),
    );
    const { context: own, onExpired = this.#onExpired, minLastModified, ...rest } = parsed;
    const ctx = this.#contextOf(own);
    const stored = await this.provider.retrieve(id, ctx, rest);
    if (stored === undefined) {
      return undefined;
    }
    return this.#describing('retrieve', id, undefined, async () => {
      const { metadata, revision } = stored;
      const secret = await this.#open(stored, ctx);
      const expired = metadata.expiresAt !== undefined && metadata.expiresAt.getTime() <= Date.now();
      if (expired && onExpired === 'throw') {
        throw new StorageError(
          'INVALID_STATE',
          `the credential expired at ${metadata.expiresAt?.toISOString()}`,
          {
            remedy: "Store a new value, or read it with onExpired: 'return'.",
          },
        );
      }
      if (minLastModified !== undefined && metadata.lastModified.getTime() < minLastModified.getTime()) {
        throw new CryptoError(
          'CORRUPTED',
          'the credential is older than minLastModified: an older record was put back',
        );
      }
      return { id: stored.id, secret, metadata, revision, expired };
    });
  }

  /** @throws StorageError NOT_FOUND */
  async head(id: string, options?: ManagerCallOptions): Promise<CredentialHead> {
    const [ctx, rest] = this.#split(options);
    return this.provider.head(id, ctx, rest);
  }

  /** `false` only for a proven absence. */
  async exists(id: string, options?: ManagerCallOptions): Promise<boolean> {
    const [ctx, rest] = this.#split(options);
    return this.provider.exists(id, ctx, rest);
  }

  /** Of an absent credential it succeeds. */
  async delete(id: string, options?: ManagerDeleteOptions): Promise<void> {
    const [ctx, rest] = this.#split(options);
    return this.provider.delete(id, ctx, rest);
  }

  list(filter?: CredentialFilter, options?: ManagerCallOptions): AsyncIterable<CredentialId> {
    return this.#stream((ctx, rest) => this.provider.list(filter, ctx, rest), options);
  }

  entries(filter?: CredentialFilter, options?: ManagerCallOptions): AsyncIterable<CredentialEntry> {
    return this.#stream((ctx, rest) => this.provider.entries(filter, ctx, rest), options);
  }

  /**
   * Re-encrypts what is not under the primary key, online and resumable: run it again after it was cut off, and until
   * the report says that nothing failed.
   * @throws ValidationError INVALID_CONFIG under `encryption: 'provider'`; StorageError UNSUPPORTED on a backend
   * without compare-and-set, unless told that nobody else writes.
   */
  async rotateKeys(options: RotationOptions = {}): Promise<RotationReport> {
    if (this.#encryption === 'provider') {
      throw new ValidationError('INVALID_CONFIG', "there are no keys to rotate under encryption: 'provider'");
    }
    return rotate(this.provider, this.#encryption, this.#context, options);
  }

  async #open({ id, record }: StoredCredential, { scope }: ParsedContext): Promise<Secret> {
    const keys = this.#encryption === 'provider' ? this.#alsoRead : this.#encryption;
    if (!isEncrypted(record)) {
      if (this.#encryption !== 'provider' && this.#alsoRead !== 'plain') {
        throw new CryptoError(
          'CORRUPTED',
          'the stored value is not encrypted, although this manager has keys',
          {
            remedy:
              "If it was stored with encryption: 'provider', read it with alsoRead: 'plain' while migrating.",
          },
        );
      }
      return Secret.from(record.value);
    }
    if (keys === undefined || keys === 'plain') {
      throw new ValidationError(
        'INVALID_CONFIG',
        "the stored value is encrypted, but this manager has encryption: 'provider'",
        { remedy: 'Configure an EncryptionManager with its key, or alsoRead while migrating.' },
      );
    }
    const plaintext = await keys.decrypt(record, { id, scope });
    const secret = Secret.from(plaintext);
    plaintext.fill(0);
    return secret;
  }

  #contextOf(own: CredentialContext | undefined): ParsedContext {
    return own === undefined ? this.#context : credentialContext(own);
  }

  /** The context of a call, and what of its options is the provider's; the provider validates the latter. */
  #split<O extends ManagerCallOptions>(options: O | undefined): [ParsedContext, Omit<O, 'context'>] {
    const { context: own, ...rest } = options ?? ({} as O);
    return [this.#contextOf(own), rest];
  }

  async *#stream<T>(
    open: (ctx: ParsedContext, rest: CallOptions) => AsyncIterable<T>,
    options: ManagerCallOptions | undefined,
  ): AsyncIterable<T> {
    const { context: own, ...rest } = parseWith(listSchema, options ?? {}, 'INVALID_ARGUMENT', 'options');
    yield* open(this.#contextOf(own), rest);
  }

  #offered<K extends 'versions' | 'deleted'>(what: K): NonNullable<StorageProvider[K]> {
    const offered = this.provider[what];
    if (offered === undefined) {
      throw new StorageError('UNSUPPORTED', `the ${this.provider.name} provider does not offer ${what}`, {
        provider: this.provider.name,
      });
    }
    return offered;
  }

  /** Errors that arise here, and not in the provider, say what they are about as well. */
  async #describing<T>(
    operation: string,
    id: string,
    outcome: CredentialErrorDetails['outcome'],
    body: () => Promise<T>,
  ): Promise<T> {
    try {
      return await body();
    } catch (error) {
      throw error instanceof CredentialError
        ? annotate(error, { provider: this.provider.name, operation, id, outcome })
        : error;
    }
  }
}

/** Lends the bytes of whatever form a secret was given in; those copied here are wiped afterwards. */
async function exposing<T>(
  value: Secret | string | Uint8Array,
  use: (bytes: Buffer) => Promise<T>,
): Promise<T> {
  if (value instanceof Secret) {
    return value.expose(use);
  }
  using copy = Secret.from(value);
  return await copy.expose(use);
}

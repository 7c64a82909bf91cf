import type * as v from 'valibot';
import type { EncryptionManager } from './encryption/manager.ts';
import {
  annotate,
  CredentialError,
  type CredentialErrorDetails,
  CryptoError,
  StorageError,
  ValidationError,
} from './errors.ts';
import { type CredentialId, credentialId, isCredentialId, type ParsedContext } from './identity.ts';
import {
  type CredentialManagerOptions,
  callSchema,
  deleteSchema,
  type ManagerCallOptions,
  type ManagerDeleteOptions,
  type ManagerRetrieveOptions,
  type ManagerStoreOptions,
  managerSchema,
  retrieveSchema,
  storeSchema,
} from './manager-options.ts';
import {
  type CredentialFilter,
  type CredentialMetadata,
  checkPortableTags,
  toRecordMeta,
} from './metadata.ts';
import type {
  CallOptions,
  CredentialEntry,
  CredentialHead,
  CredentialVersion,
  DeletedCredential,
  StorageProvider,
  StoredCredential,
} from './provider.ts';
import { createWriteId, isEncrypted, type StoredRecord } from './record.ts';
import type { Revision } from './revision.ts';
import { type RotationOptions, type RotationReport, rotate } from './rotation.ts';
import { Secret } from './secret.ts';
import { parseWith } from './validation.ts';

/** A credential as an application sees it. */
export interface Credential {
  readonly id: CredentialId;
  readonly secret: Secret;
  readonly metadata: CredentialMetadata;
  readonly revision: Revision;
  /** Whether `metadata.expiresAt` has passed by this machine's clock. */
  readonly expired: boolean;
}

/** What errors that arise here, and not in the provider, say beside the provider's name. */
type About = Pick<CredentialErrorDetails, 'operation' | 'id' | 'outcome'>;

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
    const config = parseWith(managerSchema, options, 'INVALID_CONFIG', 'CredentialManager options');
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
    this.#context = (config.context ?? {}) as ParsedContext;
    this.#portable = config.limits === 'portable';
    this.#onExpired = config.onExpired ?? 'return';
    this.versions = {
      list: (id, callOptions) => {
        const about = { operation: 'versions.list' };
        return this.#stream(about, callOptions, (ctx, rest) =>
          this.#offered('versions', about).list(id, ctx, rest),
        );
      },
      restore: async (id, version, callOptions) => {
        const about = writing('versions.restore');
        const { ctx, rest } = this.#parse(about, callSchema, callOptions);
        return this.#offered('versions', about).restore(id, version, ctx, rest);
      },
    };
    this.deleted = {
      list: (callOptions) => {
        const about = { operation: 'deleted.list' };
        return this.#stream(about, callOptions, (ctx, rest) =>
          this.#offered('deleted', about).list(ctx, rest),
        );
      },
      restore: async (id, callOptions) => {
        const about = writing('deleted.restore');
        const { ctx, rest } = this.#parse(about, callSchema, callOptions);
        return this.#offered('deleted', about).restore(id, ctx, rest);
      },
      purge: async (id, callOptions) => {
        const about = writing('deleted.purge');
        const { ctx, rest } = this.#parse(about, callSchema, callOptions);
        return this.#offered('deleted', about).purge(id, ctx, rest);
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
    const { ctx, rest } = this.#parse(writing('store'), storeSchema, options);
    const { createdAt, expiresAt, rotationPolicy, tags = {}, ...callOptions } = rest;
    const record = await this.#describing({ ...writing('store'), id }, async () => {
      const target = { id: credentialId(id), scope: ctx.scope };
      if (this.#portable) {
        checkPortableTags(tags);
      }
      const meta = toRecordMeta({ createdAt, expiresAt, rotationPolicy, tags }, new Date());
      const writeId = createWriteId();
      const header = { v: 1, kind: 'value', writeId, meta } as const;
      const encryption = this.#encryption;
      return exposing(secret, async (bytes): Promise<StoredRecord> => {
        return encryption === 'provider'
          ? { ...header, value: Uint8Array.from(bytes) }
          : { ...header, jwe: await encryption.encrypt(bytes, { ...target, writeId, meta }) };
      });
    });
    return this.provider.store(id, record, ctx, callOptions);
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
    const { ctx, rest } = this.#parse({ operation: 'retrieve' }, retrieveSchema, options);
    const { onExpired = this.#onExpired, minLastModified, ...callOptions } = rest;
    const stored = await this.provider.retrieve(id, ctx, callOptions);
    if (stored === undefined) {
      return undefined;
    }
    return this.#describing({ operation: 'retrieve', id }, async () => {
      const { metadata, revision } = stored;
      const { lastModified, expiresAt } = metadata;
      // First, because it proves the metadata.
      const secret = await this.#open(stored, ctx);
      const expired = expiresAt !== undefined && expiresAt.getTime() <= Date.now();
      let refusal: CredentialError | undefined;
      if (minLastModified !== undefined && lastModified.getTime() < minLastModified.getTime()) {
        refusal = new CryptoError(
          'CORRUPTED',
          'the credential is older than minLastModified: an older record was put back',
        );
      } else if (expired && onExpired === 'throw') {
        refusal = new StorageError('INVALID_STATE', `the credential expired at ${expiresAt.toISOString()}`, {
          remedy: "Store a new value, or read it with onExpired: 'return'.",
        });
      }
      if (refusal !== undefined) {
        secret.dispose();
        throw refusal;
      }
      return { id: stored.id, secret, metadata, revision, expired };
    });
  }

  /** @throws StorageError NOT_FOUND */
  async head(id: string, options?: ManagerCallOptions): Promise<CredentialHead> {
    const { ctx, rest } = this.#parse({ operation: 'head' }, callSchema, options);
    return this.provider.head(id, ctx, rest);
  }

  /** `false` only for a proven absence. */
  async exists(id: string, options?: ManagerCallOptions): Promise<boolean> {
    const { ctx, rest } = this.#parse({ operation: 'exists' }, callSchema, options);
    return this.provider.exists(id, ctx, rest);
  }

  /** Of an absent credential it succeeds. */
  async delete(id: string, options?: ManagerDeleteOptions): Promise<void> {
    const { ctx, rest } = this.#parse(writing('delete'), deleteSchema, options);
    return this.provider.delete(id, ctx, rest);
  }

  list(filter?: CredentialFilter, options?: ManagerCallOptions): AsyncIterable<CredentialId> {
    return this.#stream({ operation: 'list' }, options, (ctx, rest) => this.provider.list(filter, ctx, rest));
  }

  entries(filter?: CredentialFilter, options?: ManagerCallOptions): AsyncIterable<CredentialEntry> {
    return this.#stream({ operation: 'entries' }, options, (ctx, rest) =>
      this.provider.entries(filter, ctx, rest),
    );
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

  /** The context of a call, and what else its options say. */
  #parse<O extends ManagerCallOptions>(
    about: About,
    schema: v.GenericSchema<unknown, O>,
    options: O | undefined,
  ): { readonly ctx: ParsedContext; readonly rest: Omit<O, 'context'> } {
    try {
      const parsed = parseWith(schema, options === undefined ? {} : options, 'INVALID_ARGUMENT', 'options');
      const { context: own = this.#context, ...rest } = parsed;
      return { ctx: own as ParsedContext, rest };
    } catch (error) {
      throw this.#described(error, about);
    }
  }

  async *#stream<T>(
    about: About,
    options: ManagerCallOptions | undefined,
    open: (ctx: ParsedContext, rest: CallOptions) => AsyncIterable<T>,
  ): AsyncIterable<T> {
    const { ctx, rest } = this.#parse(about, callSchema, options);
    yield* open(ctx, rest);
  }

  #offered<K extends 'versions' | 'deleted'>(what: K, about: About): NonNullable<StorageProvider[K]> {
    const offered = this.provider[what];
    if (offered === undefined) {
      throw this.#described(
        new StorageError('UNSUPPORTED', `the ${this.provider.name} provider does not offer ${what}`),
        about,
      );
    }
    return offered;
  }

  async #describing<T>(about: About, body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      throw this.#described(error, about);
    }
  }

  #described(error: unknown, { id, ...about }: About): unknown {
    return error instanceof CredentialError
      ? annotate(error, {
          provider: this.provider.name,
          ...about,
          // What is no id may be a secret: the arguments of store, swapped.
          id: isCredentialId(id) ? id : undefined,
        })
      : error;
  }
}

function writing(operation: string): About {
  return { operation, outcome: 'not-applied' };
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

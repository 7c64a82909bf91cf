import * as v from 'valibot';
import { callEntries, deleteEntries, retrieveEntries, storeEntries } from './call-options.ts';
import { EncryptionManager } from './encryption/manager.ts';
import { type CredentialContext, contextSchema } from './identity.ts';
import { type MetadataInput, metadataEntries } from './metadata.ts';
import type {
  CallOptions,
  DeleteOptions,
  RetrieveOptions,
  StorageProvider,
  StoreOptions,
} from './provider.ts';
import { dateSchema, optionsSchema, shapeOf } from './validation.ts';

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

export interface ManagerCallOptions extends CallOptions {
  /** Instead of the manager's own. */
  readonly context?: CredentialContext | undefined;
}

export interface ManagerStoreOptions extends StoreOptions, MetadataInput, ManagerCallOptions {}
export interface ManagerDeleteOptions extends DeleteOptions, ManagerCallOptions {}
export interface ManagerRetrieveOptions extends RetrieveOptions, ManagerCallOptions {
  readonly onExpired?: 'return' | 'throw' | undefined;
  /** Refuses (CORRUPTED) a record that was last modified before: an older one may have been put back. */
  readonly minLastModified?: Date | undefined;
}

const expirySchema = v.picklist(
  ['return', 'throw'],
  (issue) => `must be 'return' or 'throw', got ${shapeOf(issue.input)}`,
);
const encryptionSchema = v.instance(EncryptionManager);

export const managerSchema: v.GenericSchema<unknown, CredentialManagerOptions> = v.pipe(
  optionsSchema({
    provider: v.custom<StorageProvider>(
      (value) =>
        typeof value === 'object' && value !== null && 'retrieve' in value && 'capabilities' in value,
      (issue) => `must be a StorageProvider, got ${shapeOf(issue.input)}`,
    ),
    encryption: v.union(
      [v.literal('provider'), encryptionSchema],
      (issue) => `must be an EncryptionManager or 'provider', got ${shapeOf(issue.input)}`,
    ),
    context: v.optional(contextSchema),
    limits: v.optional(
      v.picklist(
        ['backend', 'portable'],
        (issue) => `must be 'backend' or 'portable', got ${shapeOf(issue.input)}`,
      ),
    ),
    onExpired: v.optional(expirySchema),
    alsoRead: v.optional(
      v.union(
        [v.literal('plain'), encryptionSchema],
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

const context = v.optional(contextSchema);
export const storeSchema: v.GenericSchema<unknown, ManagerStoreOptions> = optionsSchema({
  ...storeEntries,
  ...metadataEntries,
  context,
}) as never;
export const retrieveSchema: v.GenericSchema<unknown, ManagerRetrieveOptions> = optionsSchema({
  ...retrieveEntries,
  context,
  onExpired: v.optional(expirySchema),
  minLastModified: v.optional(dateSchema),
}) as never;
export const callSchema: v.GenericSchema<unknown, ManagerCallOptions> = optionsSchema({
  ...callEntries,
  context,
}) as never;
export const deleteSchema: v.GenericSchema<unknown, ManagerDeleteOptions> = optionsSchema({
  ...deleteEntries,
  context,
}) as never;

export type { Capabilities, TagLimits } from './capabilities.ts';
export type { TraceEvent } from './diagnostics.ts';
export type {
  Call,
  Classification,
  Driver,
  DriverBin,
  DriverEntry,
  DriverHead,
  DriverHistory,
  DriverRead,
  DriverTraits,
  ListQuery,
  Page,
  PollOptions,
  ReadSelector,
  Reconcile,
  Reconciliation,
  Repair,
  RequestOptions,
  Target,
  WriteCondition,
} from './driver.ts';
export { createProvider, DriverProvider } from './driver-provider.ts';
export type { Binding } from './encryption/binding.ts';
export { EncryptionKey } from './encryption/key.ts';
export { EncryptionManager, type EncryptionOptions } from './encryption/manager.ts';
export {
  createPassphraseDescriptor,
  type PassphraseDescriptor,
  type PassphraseParameters,
} from './encryption/passphrase.ts';
export {
  CredentialError,
  type CredentialErrorCode,
  type CredentialErrorDetails,
  CryptoError,
  type CryptoErrorCode,
  type CryptoErrorDetails,
  hasCode,
  StorageError,
  type StorageErrorCode,
  type StorageErrorDetails,
  ValidationError,
  type ValidationErrorCode,
  type ValidationErrorDetails,
  type ValidationIssue,
  type WriteOutcome,
} from './errors.ts';
export {
  type CredentialContext,
  type CredentialId,
  credentialContext,
  credentialId,
  type ParsedContext,
  type Scope,
  scope,
} from './identity.ts';
export { type Credential, CredentialManager } from './manager.ts';
export type {
  CredentialManagerOptions,
  ManagerCallOptions,
  ManagerDeleteOptions,
  ManagerRetrieveOptions,
  ManagerStoreOptions,
} from './manager-options.ts';
export {
  type CredentialFilter,
  type CredentialMetadata,
  credentialFilter,
  isOpenFilter,
  type MetadataInput,
  matchesFilter,
  PORTABLE_LIMITS,
  type RecordMeta,
  type RotationPolicy,
  type Tags,
} from './metadata.ts';
export type { LatencyHistogram, Measurement, MetricsSnapshot, StorageMetrics } from './metrics.ts';
export { hasHashedShape, hashedName, RESERVED_PREFIX, verifyHashedName } from './naming.ts';
export { type OpenProviderOptions, openProvider, type ProviderModule } from './open-provider.ts';
export {
  type PipelineConfig,
  type PipelineOptions,
  pipelineEntries,
  type ReadWriteDurations,
} from './pipeline.ts';
export type {
  CallOptions,
  CredentialChange,
  CredentialEntry,
  CredentialHead,
  CredentialVersion,
  DeletedCredential,
  DeletedCredentials,
  DeleteOptions,
  ProviderState,
  RetrieveOptions,
  StorageProvider,
  StoredCredential,
  StoreOptions,
  VersionHistory,
  WatchOptions,
} from './provider.ts';
export { type ProviderUrl, parseProviderUrl } from './provider-url.ts';
export {
  checkRecord,
  createWriteId,
  type EncryptedData,
  type EncryptedRecord,
  isEncrypted,
  type PlainRecord,
  parseRecord,
  type StoredRecord,
  serializeRecord,
} from './record.ts';
export {
  DEFAULT_RETRY_POLICY,
  parseRetryAfter,
  type RetryPolicy,
} from './retry.ts';
export type { Revision } from './revision.ts';
export type { RotationOptions, RotationProgress, RotationReport } from './rotation.ts';
export { Secret } from './secret.ts';
export {
  dateSchema,
  durationSchema,
  integerSchema,
  optionsSchema,
  parseWith,
  shapeOf,
  signalSchema,
} from './validation.ts';

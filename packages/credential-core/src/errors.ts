/** Codes of {@link StorageError}. The union may grow in a minor release: keep a default branch. */
export type StorageErrorCode =
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'CONFLICT'
  | 'PERMISSION_DENIED'
  | 'AUTHENTICATION_FAILED'
  | 'RATE_LIMITED'
  | 'UNAVAILABLE'
  | 'TIMEOUT'
  | 'OUTCOME_UNKNOWN'
  | 'ABORTED'
  | 'QUOTA_EXCEEDED'
  | 'INVALID_STATE'
  | 'TOO_LARGE'
  | 'UNSUPPORTED'
  | 'CLOSED';

/** Codes of {@link CryptoError}. The union may grow in a minor release. */
export type CryptoErrorCode = 'CORRUPTED' | 'DECRYPTION_FAILED' | 'KEY_NOT_FOUND' | 'UNSUPPORTED_FORMAT';

/** Codes of {@link ValidationError}. The union may grow in a minor release. */
export type ValidationErrorCode = 'INVALID_ARGUMENT' | 'INVALID_CONFIG';

/** Every code of this library. */
export type CredentialErrorCode = StorageErrorCode | CryptoErrorCode | ValidationErrorCode;

/** What is known of a write that failed: `not-applied` is proven, anything else is `unknown`. */
export type WriteOutcome = 'not-applied' | 'unknown';

/** What every error of this library may carry beside its code and message. */
export interface CredentialErrorDetails {
  /** Provider name, as in `StorageProvider.name`. */
  readonly provider?: string;
  /** Operation of the contract: `store`, `retrieve`, ... */
  readonly operation?: string;
  /** Backend request within the operation that failed. */
  readonly step?: string;
  /** Credential id. */
  readonly id?: string;
  /** What the reader can do about it, one or two sentences. Each code has a default. */
  readonly remedy?: string;
  /** On a failed write: whether it may have taken effect. */
  readonly outcome?: WriteOutcome;
  /** The original error, or a copy of it without secrets. */
  readonly cause?: unknown;
}

/** Details of a {@link StorageError}. */
export interface StorageErrorDetails extends CredentialErrorDetails {
  /** Whether the same call may succeed later; default by code. */
  readonly retryable?: boolean;
  /** Backend requests that the operation had sent when it failed. */
  readonly attempts?: number;
  /** Milliseconds after which the backend asked to be called again. */
  readonly retryAfterMs?: number;
  /** The backend's own id of the failed request. */
  readonly requestId?: string;
  /** TIMEOUT: the budget that ran out, in milliseconds. */
  readonly timeoutMs?: number;
  /** TOO_LARGE: bytes as the backend counts them. */
  readonly size?: number;
  /** TOO_LARGE: the limit in bytes as the backend counts them. */
  readonly limit?: number;
}

/** One thing wrong with an argument or a configuration. */
export interface ValidationIssue {
  /** Where, as written in code: `tags.team`, `timeouts.read`; empty for the value as a whole. */
  readonly path: string;
  /** What is wrong and what would be valid. Never holds the value of a secret. */
  readonly message: string;
}

const brand: unique symbol = Symbol.for('nebula.credential.error') as never;

const defaultRemedies: Readonly<Record<CredentialErrorCode, string>> = {
  NOT_FOUND: 'Check the id and the scope; list() shows what is stored.',
  ALREADY_EXISTS: 'Read the existing credential, or store without ifAbsent to overwrite it.',
  CONFLICT: 'Read the credential again, apply the change to what it holds now, and store with its revision.',
  PERMISSION_DENIED: 'Grant the permission that the operation needs.',
  AUTHENTICATION_FAILED: 'Check the identity that the provider is configured with.',
  RATE_LIMITED: 'Call again later, at a lower rate.',
  UNAVAILABLE: 'Call again later; check that the backend is up and reachable.',
  TIMEOUT: 'Call again, allow more time, or check how the backend is doing.',
  OUTCOME_UNKNOWN: 'Read the credential to see whether the write happened before repeating it.',
  ABORTED: 'The caller aborted the operation; repeat it if that was not meant.',
  QUOTA_EXCEEDED: 'Free space or raise the limit.',
  INVALID_STATE: 'Bring the credential into a state that allows the operation.',
  TOO_LARGE: 'Store a smaller value; capabilities.maxPlaintextBytes says what fits.',
  UNSUPPORTED: 'capabilities says what this provider offers; use another provider for this.',
  CLOSED: 'Create a new provider; a closed one stays closed.',
  CORRUPTED: 'Restore the credential from a backup or store it again.',
  DECRYPTION_FAILED:
    'The stored bytes or their metadata were altered, or belong to another id or scope: restore the credential from a backup or store it again.',
  KEY_NOT_FOUND: 'Add the key to the keyring as a retired key.',
  UNSUPPORTED_FORMAT: 'Update this library, or read the credential with the version that wrote it.',
  INVALID_ARGUMENT: 'Correct the argument.',
  INVALID_CONFIG: 'Correct the configuration.',
};

const retryableCodes: ReadonlySet<CredentialErrorCode> = new Set(['RATE_LIMITED', 'UNAVAILABLE', 'TIMEOUT']);

/**
 * What all errors of this library have in common. Recognised by `instanceof` across copies of this package.
 */
export abstract class CredentialError extends Error {
  declare readonly provider?: string;
  declare readonly operation?: string;
  declare readonly step?: string;
  declare readonly id?: string;
  declare readonly outcome?: WriteOutcome;
  /** What the reader can do about it. */
  readonly remedy: string;
  readonly code: CredentialErrorCode;

  constructor(kind: string, code: CredentialErrorCode, message: string, details: CredentialErrorDetails) {
    super(`${code}: ${message}`, 'cause' in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.remedy = details.remedy ?? defaultRemedies[code];
    Object.defineProperties(this, { name: { value: kind }, [brand]: { value: kind } });
    const { cause: _cause, remedy: _remedy, ...rest } = details;
    annotate(this, rest);
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return kindOf(value) !== undefined;
  }

  /** For logs: everything but the stack and the cause. */
  toJSON(): Record<string, unknown> {
    return { ...Object.fromEntries(Object.entries(this)), name: this.name, message: this.message };
  }
}

/** A backend could not do, or refused to do, what was asked. */
export class StorageError extends CredentialError {
  declare readonly code: StorageErrorCode;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  declare readonly attempts?: number;
  declare readonly retryAfterMs?: number;
  declare readonly requestId?: string;
  declare readonly timeoutMs?: number;
  declare readonly size?: number;
  declare readonly limit?: number;

  constructor(code: StorageErrorCode, message: string, details: StorageErrorDetails = {}) {
    super('StorageError', code, message, details);
    this.retryable = details.retryable ?? retryableCodes.has(code);
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return kindOf(value) === 'StorageError';
  }
}

/** Details of a {@link CryptoError}. */
export interface CryptoErrorDetails extends CredentialErrorDetails {
  /** KEY_NOT_FOUND: id of the key that the record asks for. */
  readonly kid?: string;
}

/** What is stored is not what was written, or cannot be opened. Never comes with a plaintext. */
export class CryptoError extends CredentialError {
  declare readonly code: CryptoErrorCode;
  declare readonly kid?: string;

  constructor(code: CryptoErrorCode, message: string, details: CryptoErrorDetails = {}) {
    super('CryptoError', code, message, details);
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return kindOf(value) === 'CryptoError';
  }
}

/** Details of a {@link ValidationError}. */
export interface ValidationErrorDetails extends CredentialErrorDetails {
  readonly issues?: readonly ValidationIssue[];
}

/** The caller's to fix: an argument or a configuration is wrong. Carries every issue at once. */
export class ValidationError extends CredentialError {
  declare readonly code: ValidationErrorCode;
  readonly issues: readonly ValidationIssue[];

  constructor(code: ValidationErrorCode, message: string, details: ValidationErrorDetails = {}) {
    const { issues = [{ path: '', message }], ...rest } = details;
    super('ValidationError', code, message, rest);
    this.issues = issues;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return kindOf(value) === 'ValidationError';
  }
}

type AnyDetails = StorageErrorDetails & CryptoErrorDetails;

/** Fills in what the error does not say yet; what it says already stays. */
export function annotate<T extends CredentialError>(
  error: T,
  details: { readonly [K in keyof AnyDetails]?: AnyDetails[K] | undefined },
): T {
  for (const [key, value] of Object.entries(details)) {
    if (value !== undefined && !Object.hasOwn(error, key)) {
      // Like the `cause` of the Error constructor: not shown twice by whatever lists an error's fields.
      const enumerable = key !== 'cause';
      Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
    }
  }
  return error;
}

/** An error of its own for each of several callers that failed for one reason; the operation is left to be filled in. */
export function copyForCaller(error: CredentialError): CredentialError {
  const { code, operation: _operation, ...details } = Object.fromEntries(Object.entries(error));
  const ErrorClass = error.constructor as new (
    code: unknown,
    message: string,
    details: object,
  ) => CredentialError;
  return new ErrorClass(code, error.message.slice(error.code.length + 2), {
    ...details,
    cause: error.cause,
  });
}

/** Whether the error is one of this library's with this code. */
export function hasCode<C extends CredentialErrorCode>(
  error: unknown,
  ...codes: readonly C[]
): error is CredentialError & { readonly code: C } {
  return (
    kindOf(error) !== undefined && (codes as readonly string[]).includes((error as CredentialError).code)
  );
}

function kindOf(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null
    ? (value as { readonly [brand]?: string })[brand]
    : undefined;
}

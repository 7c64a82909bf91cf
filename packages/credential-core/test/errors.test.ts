import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { annotate, copyForCaller } from '../src/errors.ts';
import {
  CredentialError,
  type CredentialErrorCode,
  CryptoError,
  type CryptoErrorCode,
  hasCode,
  StorageError,
  type StorageErrorCode,
  ValidationError,
  type ValidationErrorCode,
} from '../src/index.ts';

const storageCodes: Record<StorageErrorCode, boolean> = {
  NOT_FOUND: false,
  ALREADY_EXISTS: false,
  CONFLICT: false,
  PERMISSION_DENIED: false,
  AUTHENTICATION_FAILED: false,
  RATE_LIMITED: true,
  UNAVAILABLE: true,
  TIMEOUT: true,
  OUTCOME_UNKNOWN: false,
  ABORTED: false,
  QUOTA_EXCEEDED: false,
  INVALID_STATE: false,
  TOO_LARGE: false,
  UNSUPPORTED: false,
  CLOSED: false,
};
const cryptoCodes: Record<CryptoErrorCode, true> = {
  CORRUPTED: true,
  DECRYPTION_FAILED: true,
  KEY_NOT_FOUND: true,
  UNSUPPORTED_FORMAT: true,
};
const validationCodes: Record<ValidationErrorCode, true> = { INVALID_ARGUMENT: true, INVALID_CONFIG: true };

const keysOf = <K extends string>(record: Record<K, unknown>) => Object.keys(record) as K[];
const every: readonly CredentialError[] = [
  ...keysOf(storageCodes).map((code) => new StorageError(code, 'what happened')),
  ...keysOf(cryptoCodes).map((code) => new CryptoError(code, 'what happened')),
  ...keysOf(validationCodes).map((code) => new ValidationError(code, 'what happened')),
];

describe('every error', () => {
  it.each(every.map((error) => [error.code, error] as const))(
    '%s leads its message with the code, and says what to do',
    (code, error) => {
      expect(error.message).toBe(`${code}: what happened`);
      expect(error.remedy).toMatch(/^.{10,}\.$/);
      expect(String(error)).toBe(`${error.name}: ${code}: what happened`);
    },
  );

  it('has a code of its own class', () => {
    const codes = every.map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
  });

  it('takes a remedy of its own in place of the default', () => {
    const error = new StorageError('PERMISSION_DENIED', 'no', {
      remedy: 'Grant secretsmanager:GetSecretValue.',
    });
    expect(error.remedy).toBe('Grant secretsmanager:GetSecretValue.');
    const other = new StorageError('PERMISSION_DENIED', 'no', { remedy: undefined as never });
    expect(other.remedy).toBe('Grant the permission that the operation needs.');
  });

  it('is an Error with name, stack and cause', () => {
    const cause = new Error('why');
    const error = new CryptoError('CORRUPTED', 'altered', { cause });
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.cause]).toEqual(['CryptoError', cause]);
    expect(error.stack).toContain('errors.test.ts');
    expect(Object.hasOwn(new CryptoError('CORRUPTED', 'altered'), 'cause')).toBe(false);
    expect(Object.keys(error)).not.toContain('cause');
  });
});

describe('StorageError', () => {
  it.each(Object.entries(storageCodes))('%s is retryable by default: %s', (code, retryable) => {
    expect(new StorageError(code as StorageErrorCode, '').retryable).toBe(retryable);
    expect(new StorageError(code as StorageErrorCode, '', { retryable: !retryable }).retryable).toBe(
      !retryable,
    );
  });

  it('carries what it is given, and nothing else', () => {
    const details = {
      provider: 'aws',
      operation: 'store',
      step: 'put',
      id: 'a/b',
      outcome: 'unknown',
      attempts: 3,
      retryAfterMs: 1_000,
      requestId: 'r',
      timeoutMs: 5,
      size: 6,
      limit: 7,
    } as const;
    const error = new StorageError('TIMEOUT', 'late', details);
    expect({ ...error }).toEqual({
      ...details,
      code: 'TIMEOUT',
      remedy: error.remedy,
      retryable: true,
    });
    expect(Object.keys(new StorageError('TIMEOUT', 'late')).sort()).toEqual(['code', 'remedy', 'retryable']);
  });
});

describe('ValidationError', () => {
  it('holds every issue, one of its message where none is given', () => {
    expect(new ValidationError('INVALID_CONFIG', 'bad').issues).toEqual([{ path: '', message: 'bad' }]);
    const issues = [
      { path: 'a', message: 'x' },
      { path: 'b', message: 'y' },
    ];
    expect(new ValidationError('INVALID_CONFIG', 'bad', { issues }).issues).toEqual(issues);
  });
});

describe('instanceof', () => {
  it('tells the classes apart', () => {
    for (const error of every) {
      const classes = [StorageError, CryptoError, ValidationError].map((Class) => error instanceof Class);
      expect(classes.filter(Boolean)).toHaveLength(1);
      expect(error instanceof CredentialError).toBe(true);
    }
    for (const other of [new Error('x'), undefined, null, 'StorageError', { code: 'NOT_FOUND' }, () => 1]) {
      expect(other instanceof CredentialError).toBe(false);
      expect(other instanceof StorageError).toBe(false);
      expect(hasCode(other, 'NOT_FOUND')).toBe(false);
    }
  });

  it('holds across two copies of this package, the base class too', async () => {
    const copy = (await import(`../src/errors.ts${'?copy'}`)) as typeof import('../src/errors.ts');
    expect(copy.StorageError).not.toBe(StorageError);
    const theirs = new copy.StorageError('NOT_FOUND', 'x');
    expect(theirs instanceof StorageError).toBe(true);
    expect(theirs instanceof CredentialError).toBe(true);
    expect(theirs instanceof CryptoError).toBe(false);
    expect(hasCode(theirs, 'NOT_FOUND')).toBe(true);
    const ours = new ValidationError('INVALID_CONFIG', 'x');
    expect([ours instanceof copy.ValidationError, ours instanceof copy.StorageError]).toEqual([true, false]);
    expect(ours instanceof copy.CredentialError).toBe(true);
  });
});

describe('hasCode', () => {
  it('takes one of several codes', () => {
    const error = new StorageError('CONFLICT', 'x');
    expect(hasCode(error, 'NOT_FOUND', 'CONFLICT')).toBe(true);
    expect(hasCode(error, 'NOT_FOUND')).toBe(false);
    expect(hasCode<CredentialErrorCode>(error)).toBe(false);
  });
});

describe('toJSON and inspect', () => {
  const cause = new Error('the cause');
  const error = new StorageError('TOO_LARGE', 'too much', { provider: 'aws', size: 2, limit: 1, cause });

  it('for logs: everything but stack and cause', () => {
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'StorageError',
      message: 'TOO_LARGE: too much',
      code: 'TOO_LARGE',
      remedy: error.remedy,
      retryable: false,
      provider: 'aws',
      size: 2,
      limit: 1,
    });
  });

  it('shows name, message, fields and cause', () => {
    const shown = inspect(error);
    expect(shown).toMatch(/^StorageError: TOO_LARGE: too much\n/);
    for (const part of ["provider: 'aws'", 'size: 2', 'limit: 1', '[cause]: Error: the cause']) {
      expect(shown).toContain(part);
    }
  });
});

describe('annotate', () => {
  it('fills gaps only, and leaves out what is undefined', () => {
    const error = new StorageError('TIMEOUT', 'late', { step: 'get', attempts: 2 });
    expect(annotate(error, { step: 'put', attempts: 9, provider: 'map', id: undefined })).toBe(error);
    expect(error).toMatchObject({ step: 'get', attempts: 2, provider: 'map' });
    expect(Object.hasOwn(error, 'id')).toBe(false);
  });

  it('adds a cause that is not listed among the fields, and keeps the one there is', () => {
    const error = annotate(new StorageError('TIMEOUT', 'late'), { cause: 'first' });
    annotate(error, { cause: 'second' });
    expect(error.cause).toBe('first');
    expect(Object.keys(error)).not.toContain('cause');
  });
});

describe('copyForCaller', () => {
  it.each([
    new StorageError('TIMEOUT', 'late: 5', {
      operation: 'connect',
      step: 'get',
      timeoutMs: 5,
      retryable: false,
    }),
    new CryptoError('KEY_NOT_FOUND', 'no', { operation: 'connect', kid: 'k', cause: new Error('x') }),
    new ValidationError('INVALID_CONFIG', 'no', {
      operation: 'connect',
      issues: [{ path: 'a', message: 'b' }],
    }),
  ])('copies all but the operation', (error) => {
    const copy = copyForCaller(error);
    expect(copy).not.toBe(error);
    expect(copy.constructor).toBe(error.constructor);
    const { operation, ...rest } = error;
    expect(operation).toBe('connect');
    expect({ ...copy }).toEqual(rest);
    expect([copy.message, copy.name, copy.cause]).toEqual([error.message, error.name, error.cause]);
    expect(annotate(copy, { operation: 'store' }).operation).toBe('store');
  });
});

import * as v from 'valibot';
import { optionsSchema, parseWith, shapeOf } from './validation.ts';

declare const idBrand: unique symbol;
declare const scopeBrand: unique symbol;

/**
 * Name of a credential: 1 to 128 characters of `A-Z a-z 0-9 - _ . /`; segments between slashes are not empty, `.` or
 * `..`. Case matters, on every backend.
 */
export type CredentialId = string & { readonly [idBrand]: never };

/** A partition of names: 1 to 63 characters of `a-z 0-9 -`, with no hyphen at either end. */
export type Scope = string & { readonly [scopeBrand]: never };

/** Whose credentials, and what tracing should say of the call. */
export interface CredentialContext {
  /** The partition that the id lives in; none is a partition of its own. */
  readonly scope?: Scope | string | undefined;
  /** For tracing only. */
  readonly ownerId?: string | undefined;
  /** For tracing only. */
  readonly traceId?: string | undefined;
}

/** A {@link CredentialContext} that was validated. */
export interface ParsedContext extends CredentialContext {
  readonly scope?: Scope | undefined;
}

const idCharacter = /[^A-Za-z0-9\-_./]/u;

function idProblem(id: string): string | undefined {
  if (id.length === 0 || id.length > 128) {
    return `must have 1 to 128 characters, has ${id.length}`;
  }
  const bad = idCharacter.exec(id);
  if (bad !== null) {
    return `must be of A-Z a-z 0-9 - _ . / only; character ${bad.index + 1} is not`;
  }
  if (id.startsWith('/') || id.endsWith('/')) {
    return 'must not begin or end with a slash';
  }
  return id.split('/').some((segment) => segment === '' || segment === '.' || segment === '..')
    ? 'must not have an empty, "." or ".." segment between slashes'
    : undefined;
}

const scopePattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Schema of {@link CredentialId}. */
const credentialIdSchema: v.GenericSchema<string, CredentialId> = v.pipe(
  v.string((issue) => `must be a string, got ${shapeOf(issue.input)}`),
  v.rawTransform<string, CredentialId>(({ dataset, addIssue, NEVER }) => {
    const problem = idProblem(dataset.value);
    if (problem !== undefined) {
      addIssue({ message: problem });
      return NEVER;
    }
    return dataset.value as CredentialId;
  }),
);

/** Schema of {@link Scope}. */
const scopeSchema: v.GenericSchema<string, Scope> = v.pipe(
  v.string((issue) => `must be a string, got ${shapeOf(issue.input)}`),
  v.regex(
    scopePattern,
    (issue) =>
      `must be 1 to 63 characters of a-z 0-9 - with no hyphen at either end, got ${shapeOf(issue.input)}`,
  ),
  v.transform((value) => value as Scope),
);

const traceText = v.pipe(
  v.string((issue) => `must be a string, got ${shapeOf(issue.input)}`),
  v.regex(
    /^[\x20-\x7e]{1,256}$/,
    (issue) => `must be 1 to 256 printable ASCII characters, got ${shapeOf(issue.input)}`,
  ),
);

/** Schema of {@link CredentialContext}. */
export const contextSchema: v.GenericSchema<unknown, ParsedContext> = optionsSchema({
  scope: v.optional(scopeSchema),
  ownerId: v.optional(traceText),
  traceId: v.optional(traceText),
}) as never;

/** Whether a value is a credential id; what is none may be a secret in the wrong place. */
export function isCredentialId(value: unknown): value is CredentialId {
  return typeof value === 'string' && idProblem(value) === undefined;
}

/**
 * Checks a credential id.
 * @throws ValidationError INVALID_ARGUMENT
 */
export function credentialId(value: string): CredentialId {
  return isCredentialId(value)
    ? value
    : parseWith(v.object({ id: credentialIdSchema }), { id: value }, 'INVALID_ARGUMENT', 'credential id').id;
}

/**
 * Checks a scope.
 * @throws ValidationError INVALID_ARGUMENT
 */
export function scope(value: string): Scope {
  return parseWith(v.object({ scope: scopeSchema }), { scope: value }, 'INVALID_ARGUMENT', 'scope').scope;
}

/**
 * Checks a context.
 * @throws ValidationError INVALID_ARGUMENT
 */
export function credentialContext(value: CredentialContext = {}): ParsedContext {
  return parseWith(contextSchema, value, 'INVALID_ARGUMENT', 'context');
}

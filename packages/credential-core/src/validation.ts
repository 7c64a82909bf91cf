import { closestMatch } from 'leven';
import * as v from 'valibot';
import { ValidationError, type ValidationErrorCode, type ValidationIssue } from './errors.ts';

/**
 * A schema for an options object that refuses unknown keys, all of them at once, and suggests the nearest valid one.
 * Drivers use it for their configuration, so that a misspelt option is an error and never silently a default.
 */
export function optionsSchema<const T extends v.ObjectEntries>(
  entries: T,
): v.GenericSchema<v.InferInput<v.ObjectSchema<T, string>>, v.InferOutput<v.ObjectSchema<T, string>>> {
  const known = Object.keys(entries);
  const fields = v.object(entries, 'is required');
  return v.pipe(
    v.custom<v.InferInput<typeof fields>>(
      isRecord,
      (issue) => `must be an object, got ${shapeOf(issue.input)}`,
    ),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const input = dataset.value as Record<string, unknown>;
      const result = v.safeParse(fields, input, { message: describe });
      for (const { message, path } of result.issues ?? []) {
        addIssue({ message, ...(path && { path }) });
      }
      for (const key of Object.keys(input).filter((name) => !known.includes(name))) {
        const message = `unknown option; ${suggest(key, known)}`;
        addIssue({ message, path: [{ type: 'object', origin: 'key', input, key, value: input[key] }] });
      }
      return result.success ? result.output : NEVER;
    }),
  );
}

/** Whether a value is an object of named members: no array, no Map, no Date, of whatever realm. */
export function isRecord(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object Object]';
}

/** `did you mean "x"?` where something is near, else the list of what is valid. */
export function suggest(key: string, known: readonly string[]): string {
  const near = closestMatch(key, known, { maxDistance: 3 });
  return near === undefined ? `valid are ${known.join(', ')}` : `did you mean "${near}"?`;
}

/**
 * Validates input and reports every problem at once. No message holds a string's content: it may be a secret in the
 * wrong place.
 * @param subject - what is being validated, for the message: `LocalStorageProvider options`.
 * @throws ValidationError with the given code.
 */
export function parseWith<TInput, TOutput>(
  schema: v.GenericSchema<TInput, TOutput>,
  input: unknown,
  code: ValidationErrorCode,
  subject: string,
): TOutput {
  const result = v.safeParse(schema, input, { message: describe });
  if (result.success) {
    return result.output;
  }
  const issues = result.issues.map(
    (issue): ValidationIssue => ({ path: pathOf(issue), message: issue.message }),
  );
  throw validationError(code, subject, issues);
}

/** Several issues as one error. */
export function validationError(
  code: ValidationErrorCode,
  subject: string,
  issues: readonly ValidationIssue[],
): ValidationError {
  const lines = issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  return new ValidationError(code, `${subject}: ${lines.join('; ')}`, { issues });
}

/** One issue as an error. */
export function invalidArgument(path: string, message: string): ValidationError {
  return new ValidationError('INVALID_ARGUMENT', `${path}: ${message}`, { issues: [{ path, message }] });
}

function pathOf(issue: v.BaseIssue<unknown>): string {
  return (issue.path ?? [])
    .map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
}

function describe(issue: v.BaseIssue<unknown>): string {
  return `expected ${issue.expected ?? issue.type}, got ${shapeOf(issue.input)}`;
}

/** The shape of a value without its content: `string of 12 characters`, `array of 3`, `70000`. */
export function shapeOf(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `a string of ${value.length} characters`;
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'object':
      if (value === null) {
        return 'null';
      }
      if (Array.isArray(value)) {
        return `an array of ${value.length}`;
      }
      if (value instanceof Date) {
        return Number.isNaN(value.getTime()) ? 'an invalid Date' : 'a Date';
      }
      return `an object (${value.constructor?.name ?? 'no prototype'})`;
    default:
      return `a ${typeof value}`;
  }
}

/** An integer between two bounds, both valid. */
export function integerSchema(min: number, max: number, unit: string): v.GenericSchema<number, number> {
  const message = (issue: v.BaseIssue<unknown>): string =>
    `must be an integer from ${min} to ${max} (${unit}), got ${shapeOf(issue.input)}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(min, message), v.maxValue(max, message));
}

/** A duration of 1 to 60 seconds, in milliseconds. */
export const durationSchema: v.GenericSchema<number, number> = integerSchema(1_000, 60_000, 'milliseconds');

/** A Date that is a real point in time, in the years that ISO 8601 writes with four digits. */
export const dateSchema: v.GenericSchema<Date, Date> = v.custom<Date>(
  (value) =>
    value instanceof Date &&
    value.getTime() >= Date.parse('0001-01-01') &&
    value.getTime() < Date.parse('+010000-01-01'),
  (issue) => `must be a valid Date between the years 1 and 9999, got ${shapeOf(issue.input)}`,
);

/** An AbortSignal, also of another realm. */
export const signalSchema: v.GenericSchema<AbortSignal, AbortSignal> = v.custom<AbortSignal>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    'aborted' in value &&
    'addEventListener' in value &&
    'reason' in value,
  (issue) => `must be an AbortSignal, got ${shapeOf(issue.input)}`,
);

import * as v from 'valibot';
import type { ValidationIssue } from './errors.ts';
import {
  dateSchema,
  integerSchema,
  isRecord,
  optionsSchema,
  parseWith,
  shapeOf,
  validationError,
} from './validation.ts';

/** How often the credential is to be replaced. Kept and handed back; acting on it is the application's. */
export interface RotationPolicy {
  /** 1 to 3650. */
  readonly intervalDays: number;
}

/** Tags of a credential: plaintext in every backend, searchable. */
export type Tags = Readonly<Record<string, string>>;

/** What is kept beside a credential's value. */
export interface CredentialMetadata {
  /** Where an import gave it, as given; else the backend's own creation time, best effort. */
  readonly createdAt: Date;
  readonly lastModified: Date;
  readonly expiresAt?: Date;
  readonly rotationPolicy?: RotationPolicy;
  readonly tags: Tags;
}

/** What a caller gives of the metadata when storing. */
export interface MetadataInput {
  /** For imports: when the credential was first made. */
  readonly createdAt?: Date | undefined;
  readonly expiresAt?: Date | undefined;
  readonly rotationPolicy?: RotationPolicy | undefined;
  /**
   * At most 50. Key: 1 to 128 of ASCII letters, digits, space and `_ . : / = + - @`, beginning with a letter or digit,
   * not with `aws:` or `nebula-credential`. Value: up to 1,024 bytes of UTF-8 without control characters.
   */
  readonly tags?: Tags | undefined;
}

/** Metadata as it lies in a record: dates are ISO 8601 in UTC with milliseconds. */
export interface RecordMeta {
  readonly createdAt?: string;
  readonly lastModified: string;
  readonly expiresAt?: string;
  readonly rotationPolicy?: RotationPolicy;
  readonly tags: Tags;
}

/** Restricts a search; everything given must match. */
export interface CredentialFilter {
  /** All of these tags with exactly these values. */
  readonly tags?: Tags | undefined;
  /** At or after. */
  readonly modifiedAfter?: Date | undefined;
  /** Before. */
  readonly modifiedBefore?: Date | undefined;
}

/** What all five backends take; `limits: 'portable'` holds an application to it. */
export const PORTABLE_LIMITS: {
  readonly tags: number;
  readonly tagKeyLength: number;
  readonly tagValueLength: number;
} = { tags: 8, tagKeyLength: 63, tagValueLength: 255 };

const tagKeyPattern = /^[A-Za-z0-9][A-Za-z0-9 _.:/=+\-@]{0,127}$/;
const reservedTagKey = /^(?:aws:|nebula-credential)/i;

const keyMessage =
  'a key must be 1 to 128 of ASCII letters, digits, space and _ . : / = + - @, beginning with a letter or digit';

const tagsSchema: v.GenericSchema<unknown, Tags> = v.pipe(
  v.custom<Tags>(isRecord, (issue) => `must be an object of strings, got ${shapeOf(issue.input)}`),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) {
      return;
    }
    const input: Record<string, unknown> = dataset.value;
    const entries = Object.entries(input);
    if (entries.length > 50) {
      addIssue({ message: `must be at most 50 tags, got ${entries.length}` });
    }
    for (const [key, value] of entries) {
      if (!tagKeyPattern.test(key)) {
        addIssue({ message: `${JSON.stringify(key.slice(0, 32))}: ${keyMessage}` });
        continue;
      }
      const problem = tagProblem(key, value);
      if (problem !== undefined) {
        addIssue({ message: problem, path: [{ type: 'object', origin: 'value', input, key, value }] });
      }
    }
  }),
  v.transform((tags) => ({ ...tags })),
);

function tagProblem(key: string, value: unknown): string | undefined {
  if (reservedTagKey.test(key)) {
    return 'keys that begin with aws: or nebula-credential are reserved';
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  const control = /[\u0000-\u001f\u007f]/;
  return typeof value === 'string' &&
    value.isWellFormed() &&
    Buffer.byteLength(value) <= 1_024 &&
    !control.test(value)
    ? undefined
    : `must be at most 1024 bytes of UTF-8 without control characters, got ${shapeOf(value)}`;
}

/** Entries of {@link MetadataInput}, for schemas of options that hold it. */
export const metadataEntries: Readonly<Record<keyof MetadataInput, v.GenericSchema>> = {
  createdAt: v.optional(dateSchema),
  expiresAt: v.optional(dateSchema),
  rotationPolicy: v.optional(optionsSchema({ intervalDays: integerSchema(1, 3_650, 'days') })),
  tags: v.optional(tagsSchema) as v.GenericSchema,
};

const filterSchema: v.GenericSchema<unknown, CredentialFilter> = optionsSchema({
  tags: v.optional(tagsSchema),
  modifiedAfter: v.optional(dateSchema),
  modifiedBefore: v.optional(dateSchema),
}) as never;

/**
 * Checks a filter.
 * @throws ValidationError INVALID_ARGUMENT
 */
export function credentialFilter(value: CredentialFilter = {}): CredentialFilter {
  return parseWith(filterSchema, value, 'INVALID_ARGUMENT', 'filter');
}

/** Whether the filter lets everything through, so that a driver need not read metadata to list. */
export function isOpenFilter(filter: CredentialFilter): boolean {
  return (
    Object.keys(filter.tags ?? {}).length === 0 &&
    filter.modifiedAfter === undefined &&
    filter.modifiedBefore === undefined
  );
}

/** Whether an entry passes; one whose date is unknown does not pass a filter by date. */
export function matchesFilter(
  filter: CredentialFilter,
  entry: { readonly tags: Tags; readonly lastModified?: Date | undefined },
): boolean {
  const { tags = {}, modifiedAfter, modifiedBefore } = filter;
  const time = entry.lastModified?.getTime() ?? Number.NaN;
  return (
    Object.entries(tags).every(
      ([key, value]) => Object.hasOwn(entry.tags, key) && entry.tags[key] === value,
    ) &&
    (modifiedAfter === undefined || time >= modifiedAfter.getTime()) &&
    (modifiedBefore === undefined || time < modifiedBefore.getTime())
  );
}

/**
 * Holds tags to {@link PORTABLE_LIMITS}.
 * @throws ValidationError INVALID_ARGUMENT with every problem at once
 */
export function checkPortableTags(tags: Tags): void {
  const { tags: count, tagKeyLength, tagValueLength } = PORTABLE_LIMITS;
  const entries = Object.entries(tags);
  const issues: ValidationIssue[] = [];
  if (entries.length > count) {
    issues.push({ path: 'tags', message: `must be at most ${count}, got ${entries.length}` });
  }
  for (const [key, value] of entries) {
    if (key.length > tagKeyLength) {
      const message = `a key must have at most ${tagKeyLength} characters, got ${key.length}`;
      issues.push({ path: `tags.${key}`, message });
    }
    if (value.length > tagValueLength || !/^[\x20-\x7e]*$/.test(value)) {
      const message = `must be at most ${tagValueLength} printable ASCII characters, got ${shapeOf(value)}`;
      issues.push({ path: `tags.${key}`, message });
    }
  }
  if (issues.length > 0) {
    throw validationError('INVALID_ARGUMENT', "limits: 'portable'", issues);
  }
}

/** Metadata as it goes into a record. */
export function toRecordMeta(input: MetadataInput, lastModified: Date): RecordMeta {
  return {
    ...(input.createdAt && { createdAt: input.createdAt.toISOString() }),
    lastModified: lastModified.toISOString(),
    ...(input.expiresAt && { expiresAt: input.expiresAt.toISOString() }),
    ...(input.rotationPolicy && { rotationPolicy: input.rotationPolicy }),
    tags: input.tags ?? {},
  };
}

/** Metadata as an application sees it. */
export function fromRecordMeta(meta: RecordMeta, backendCreatedAt: Date | undefined): CredentialMetadata {
  const lastModified = new Date(meta.lastModified);
  return {
    createdAt: meta.createdAt === undefined ? (backendCreatedAt ?? lastModified) : new Date(meta.createdAt),
    lastModified,
    ...(meta.expiresAt !== undefined && { expiresAt: new Date(meta.expiresAt) }),
    ...(meta.rotationPolicy && { rotationPolicy: meta.rotationPolicy }),
    tags: meta.tags,
  };
}

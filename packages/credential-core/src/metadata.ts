import * as v from 'valibot';
import {
  dateSchema,
  integerSchema,
  invalidArgument,
  optionsSchema,
  parseWith,
  shapeOf,
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

const tagsSchema: v.GenericSchema<unknown, Tags> = v.pipe(
  v.custom<Tags>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    (issue) => `must be an object of strings, got ${shapeOf(issue.input)}`,
  ),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) {
      return;
    }
    const entries = Object.entries(dataset.value);
    if (entries.length > 50) {
      addIssue({ message: `must be at most 50 tags, got ${entries.length}` });
    }
    for (const [key, value] of entries) {
      const problem = tagProblem(key, value);
      if (problem !== undefined) {
        addIssue({ message: `${JSON.stringify(key.slice(0, 32))}: ${problem}` });
      }
    }
  }),
  v.transform((tags) => ({ ...tags })),
);

function tagProblem(key: string, value: unknown): string | undefined {
  if (!tagKeyPattern.test(key)) {
    return 'a key must be 1 to 128 of ASCII letters, digits, space and _ . : / = + - @, beginning with a letter or digit';
  }
  if (reservedTagKey.test(key)) {
    return 'keys that begin with aws: or nebula-credential are reserved';
  }
  if (typeof value !== 'string') {
    return `a value must be a string, got ${shapeOf(value)}`;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  return !value.isWellFormed() || Buffer.byteLength(value) > 1_024 || /[\u0000-\u001f\u007f]/.test(value)
    ? `a value must be at most 1024 bytes of UTF-8 without control characters, got ${shapeOf(value)}`
    : undefined;
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
 * @throws ValidationError INVALID_ARGUMENT
 */
export function checkPortableTags(tags: Tags): void {
  const entries = Object.entries(tags);
  if (entries.length > PORTABLE_LIMITS.tags) {
    throw invalidArgument(
      'tags',
      `must be at most ${PORTABLE_LIMITS.tags} under limits: 'portable', got ${entries.length}`,
    );
  }
  for (const [key, value] of entries) {
    if (key.length > PORTABLE_LIMITS.tagKeyLength) {
      throw invalidArgument(
        'tags',
        `a key must have at most ${PORTABLE_LIMITS.tagKeyLength} characters under limits: 'portable', got ${key.length}`,
      );
    }
    if (value.length > PORTABLE_LIMITS.tagValueLength || !/^[\x20-\x7e]*$/.test(value)) {
      throw invalidArgument(
        `tags.${key}`,
        `must be at most ${PORTABLE_LIMITS.tagValueLength} printable ASCII characters under limits: 'portable', got ${shapeOf(value)}`,
      );
    }
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

import * as v from 'valibot';
import type { CallOptions, DeleteOptions, RetrieveOptions, StoreOptions, WatchOptions } from './provider.ts';
import { integerSchema, optionsSchema, shapeOf, signalSchema } from './validation.ts';

/** A short text that a caller got from this library and hands back. */
const text = (what: string): v.GenericSchema<string, string> => {
  const message = (issue: v.BaseIssue<unknown>): string => `must be ${what}, got ${shapeOf(issue.input)}`;
  return v.pipe(v.string(message), v.minLength(1, message), v.maxLength(1_024, message));
};
const boolean = v.boolean((issue) => `must be true or false, got ${shapeOf(issue.input)}`);
export const versionSchema: v.GenericSchema<string, string> = text('a version as versions.list() names it');
const revision = text('a revision that this provider gave');

/** Entries of the options schemas, for schemas that take more than these. */
export const callEntries: Readonly<Record<keyof CallOptions, v.GenericSchema>> = {
  signal: v.optional(signalSchema) as v.GenericSchema,
  timeout: v.optional(integerSchema(1, 60_000, 'milliseconds')) as v.GenericSchema,
};
export const storeEntries: Readonly<Record<keyof StoreOptions, v.GenericSchema>> = {
  ...callEntries,
  ifAbsent: v.optional(boolean),
  ifRevision: v.optional(revision) as v.GenericSchema,
  adopt: v.optional(boolean),
};
export const retrieveEntries: Readonly<Record<keyof RetrieveOptions, v.GenericSchema>> = {
  ...callEntries,
  version: v.optional(versionSchema) as v.GenericSchema,
  ifNotRevision: v.optional(revision) as v.GenericSchema,
  nativeName: v.optional(text("a name of the backend's own")) as v.GenericSchema,
};
export const deleteEntries: Readonly<Record<keyof DeleteOptions, v.GenericSchema>> = {
  ...callEntries,
  ifRevision: v.optional(revision) as v.GenericSchema,
};

export const callSchema: v.GenericSchema<unknown, CallOptions> = optionsSchema(callEntries) as never;
export const storeSchema: v.GenericSchema<unknown, StoreOptions> = v.pipe(
  optionsSchema(storeEntries) as unknown as v.GenericSchema<StoreOptions>,
  v.check(
    ({ ifAbsent, ifRevision }) => !(ifAbsent === true && ifRevision !== undefined),
    'give either ifAbsent or ifRevision, not both',
  ),
) as never;
export const deleteSchema: v.GenericSchema<unknown, DeleteOptions> = optionsSchema(deleteEntries) as never;
export const retrieveSchema: v.GenericSchema<unknown, RetrieveOptions> = optionsSchema(
  retrieveEntries,
) as never;
export const watchSchema: v.GenericSchema<unknown, WatchOptions> = optionsSchema({
  signal: v.optional(signalSchema),
  cursor: v.optional(text('a cursor that a change carried')),
}) as never;

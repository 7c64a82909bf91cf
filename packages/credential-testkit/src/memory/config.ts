import {
  integerSchema,
  optionsSchema,
  type PipelineOptions,
  pipelineEntries,
  shapeOf,
} from '@nebula/credential-core';
import * as v from 'valibot';
import { MemoryStorage } from './storage.ts';

/** A capability that a memory backend can do without. */
export type SwitchableCapability =
  | 'ifAbsent'
  | 'ifRevision'
  | 'deleteIfRevision'
  | 'versions'
  | 'deleted'
  | 'scopes'
  | 'watch'
  | 'plainValues'
  | 'nativeName';

/** All of them. */
export const switchable: readonly SwitchableCapability[] = [
  'ifAbsent',
  'ifRevision',
  'deleteIfRevision',
  'versions',
  'deleted',
  'scopes',
  'watch',
  'plainValues',
  'nativeName',
];

/** What a {@link MemoryDriver} offers, and how much of it. */
export interface MemoryDriverOptions {
  /** Capabilities to switch off; default none. */
  readonly without?: readonly SwitchableCapability[] | undefined;
  /** Largest record in bytes, 4,096 to 1 GiB; default 1 MiB. */
  readonly maxRecordBytes?: number | undefined;
  /** Lines a page of a listing, 1 to 10,000; default 100. */
  readonly pageSize?: number | undefined;
}

/** Options of {@link MemoryStorageProvider}. */
export interface MemoryProviderOptions extends MemoryDriverOptions, PipelineOptions {
  /** Share it with other providers; default one of its own, without what `without` switches off. */
  readonly storage?: MemoryStorage | undefined;
}

/** Schema of {@link MemoryProviderOptions}. */
export const memoryProviderSchema: v.GenericSchema<MemoryProviderOptions, MemoryProviderOptions> =
  optionsSchema({
    ...pipelineEntries,
    storage: v.optional(
      v.instance(MemoryStorage, (issue) => `must be a MemoryStorage, got ${shapeOf(issue.input)}`),
    ),
    without: v.optional(
      v.array(
        v.picklist(switchable, `must be one of ${switchable.join(', ')}`),
        (issue) => `must be an array, got ${shapeOf(issue.input)}`,
      ),
    ),
    maxRecordBytes: v.optional(integerSchema(4_096, 1_073_741_824, 'bytes')),
    pageSize: v.optional(integerSchema(1, 10_000, 'lines')),
  }) as never;

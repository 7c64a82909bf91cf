import { resolve } from 'node:path';
import {
  integerSchema,
  optionsSchema,
  type PipelineConfig,
  type PipelineOptions,
  pipelineEntries,
  shapeOf,
} from '@nebula/credential-core';
import * as v from 'valibot';

/**
 * How processes that share a folder keep out of one another's way. `kernel`: locks that the kernel gives back when a
 * process ends, through the optional package fs-native-extensions. `file`: lock files, which need nothing but a file
 * system with hard links. `auto`: what the folder is in use with already, else `kernel` where it can be had.
 */
export type Locking = 'auto' | 'kernel' | 'file';

/** Options of {@link LocalStorageProvider}. */
export interface LocalStorageOptions extends PipelineOptions {
  /** Folder of the credentials; a relative path begins at the working directory. It must be this user's alone. */
  readonly directory: string;
  /** Make the folder, with mode 0700, when it does not exist. Default true. */
  readonly create?: boolean | undefined;
  /**
   * Old versions to keep of each credential, 0 to 1,000. Default 0: none, and `capabilities.versions` is false. A
   * lower number applies to a credential when it is next written.
   */
  readonly versions?: number | undefined;
  /** Default `auto`. */
  readonly locking?: Locking | undefined;
}

/** {@link LocalStorageOptions} with every default filled in. */
export interface LocalStorageConfig extends PipelineConfig {
  /** Absolute. */
  readonly directory: string;
  readonly create: boolean;
  readonly versions: number;
  readonly locking: Locking;
}

const directorySchema = v.pipe(
  v.string((issue) => `must be the path of a folder, got ${shapeOf(issue.input)}`),
  v.check(
    (path) => path !== '' && !path.includes('\0'),
    (issue) => `must be the path of a folder, got ${shapeOf(issue.input)}`,
  ),
  v.transform((path) => resolve(path)),
);

/** Schema of {@link LocalStorageOptions}. */
export const localStorageSchema: v.GenericSchema<LocalStorageOptions, LocalStorageConfig> = optionsSchema({
  ...pipelineEntries,
  directory: directorySchema,
  create: v.optional(
    v.boolean((issue) => `must be true or false, got ${shapeOf(issue.input)}`),
    true,
  ),
  versions: v.optional(integerSchema(0, 1_000, 'versions'), 0),
  locking: v.optional(
    v.picklist(
      ['auto', 'kernel', 'file'],
      (issue) => `must be 'auto', 'kernel' or 'file', got ${shapeOf(issue.input)}`,
    ),
    'auto',
  ),
}) as never;

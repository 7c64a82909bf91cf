import { DriverProvider, parseWith } from '@nebula/credential-core';
import { type LocalStorageOptions, localStorageSchema } from './config.ts';
import { LocalDriver } from './driver.ts';

/**
 * Keeps credentials in encrypted files, in a folder that is this user's alone. Several processes may use one folder.
 */
export class LocalStorageProvider extends DriverProvider {
  /**
   * Does no I/O.
   * @throws ValidationError INVALID_CONFIG, with every problem at once.
   */
  constructor(options: LocalStorageOptions) {
    const { directory, create, versions, locking, ...pipeline } = parseWith(
      localStorageSchema,
      options,
      'INVALID_CONFIG',
      'LocalStorageProvider options',
    );
    super(new LocalDriver({ directory, create, versions, locking }), pipeline);
  }
}

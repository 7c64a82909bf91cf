import { execFile } from 'node:child_process';
import type { Stats } from 'node:fs';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';
import { StorageError } from '@nebula/credential-core';

export const DIRECTORY_MODE = 0o700;
export const FILE_MODE = 0o600;

/**
 * Refuses a folder or file that others than this user can open. The code is PERMISSION_DENIED, not INVALID_CONFIG: the
 * configuration may be right, and it is the disk that has to be put in order.
 * @throws StorageError PERMISSION_DENIED, with the command to run
 */
export function assertPrivate(path: string, stats: Pick<Stats, 'mode' | 'uid' | 'isDirectory'>): void {
  const user = process.geteuid?.();
  if (user === undefined) {
    // Windows: its modes mean nothing. restrictToUser() has set the folder's access list.
    return;
  }
  const what = stats.isDirectory() ? 'the folder' : 'the file';
  if (stats.uid !== user) {
    throw new StorageError(
      'PERMISSION_DENIED',
      `${what} ${path} belongs to user ${stats.uid}, not to user ${user} that this process runs as`,
      { remedy: `If its content can be trusted, run: chown ${user} ${quoted(path)}` },
    );
  }
  if ((stats.mode & 0o077) !== 0) {
    const wanted = stats.isDirectory() ? DIRECTORY_MODE : FILE_MODE;
    throw new StorageError(
      'PERMISSION_DENIED',
      `${what} ${path} is open to other users: its mode is ${octal(stats.mode & 0o777)}, it must be ${octal(wanted)}`,
      { remedy: `Run: chmod ${octal(wanted)} ${quoted(path)}` },
    );
  }
}

/** Windows: leaves a new folder, and all that will be in it, to the current user alone. */
export async function restrictToUser(
  directory: string,
  run: (file: string, args: readonly string[]) => Promise<unknown> = promisify(execFile),
): Promise<void> {
  const { username } = userInfo();
  const domain = process.env['USERDOMAIN'];
  const account = domain === undefined ? username : `${domain}\\${username}`;
  await run('icacls', [directory, '/inheritance:r', '/grant:r', `${account}:(OI)(CI)F`]);
}

/** A path as a shell takes it. */
export function quoted(path: string): string {
  return /^[\w./:@%+=-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(3, '0');
}

import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, lstat, open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ValidationError } from '../errors.ts';

/** Longer than every form of a key that is taken, so that a mistaken path is not read to its end. */
const maxBytes = 256;

/**
 * The bytes of a key file that nobody but this process's user can read, for the caller to zero.
 * @throws ValidationError INVALID_CONFIG
 */
export async function readKeyFile(path: string): Promise<Buffer> {
  // Without O_NONBLOCK, opening a pipe would wait for a writer.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((cause) => {
    throw cannotRead(path, cause);
  });
  try {
    await checkPrivate(path, file);
    const buffer = Buffer.alloc(maxBytes);
    const { bytesRead } = await file.read(buffer, 0, maxBytes, 0).catch((cause) => {
      throw cannotRead(path, cause);
    });
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/**
 * Creates a key file of mode 0600, on disk when this resolves. Overwrites nothing, and nobody ever sees a part of it:
 * it gets its name by a link, which is exclusive, once it is whole.
 * @throws ValidationError INVALID_CONFIG
 */
export async function createKeyFile(path: string, content: string): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(draft, path);
  } catch (cause) {
    throw cannotCreate(path, cause);
  } finally {
    await unlink(draft).catch(() => {});
  }
  await syncDirectory(dirname(path)).catch((cause) => {
    throw cannotCreate(path, cause);
  });
}

/** Whether there is something at the path, be it readable or not. */
export async function keyFileExists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (cause) => {
      if (codeOf(cause) === 'ENOENT') {
        return false;
      }
      throw cannotRead(path, cause);
    },
  );
}

/** The name of a new file is durable only with its directory; Windows has no such call. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform !== 'win32') {
    const directory = await open(path, 'r');
    await directory.sync().finally(() => directory.close());
  }
}

async function checkPrivate(path: string, file: FileHandle): Promise<void> {
  const { mode, uid, isFile } = await file.stat().then((stats) => ({
    mode: stats.mode & 0o777,
    uid: stats.uid,
    isFile: stats.isFile(),
  }));
  if (!isFile) {
    throw new ValidationError('INVALID_CONFIG', `key file ${path} is not a regular file`);
  }
  const user = process.geteuid?.();
  if (user === undefined) {
    return;
  }
  if (uid !== user) {
    throw new ValidationError(
      'INVALID_CONFIG',
      `key file ${path} belongs to user ${uid}, and this process runs as user ${user}`,
      { remedy: `Run: chown ${user} ${quoted(path)}` },
    );
  }
  if ((mode & 0o077) !== 0) {
    throw new ValidationError(
      'INVALID_CONFIG',
      `key file ${path} is open to others than its owner (mode ${mode.toString(8).padStart(4, '0')})`,
      { remedy: `Run: chmod 600 ${quoted(path)}` },
    );
  }
}

function cannotRead(path: string, cause: unknown): ValidationError {
  const code = codeOf(cause);
  return code === 'ENOENT'
    ? new ValidationError('INVALID_CONFIG', `there is no key file ${path}`, {
        remedy: `Make one with EncryptionKey.createFile(), or run: (umask 077 && openssl rand -base64 32 > ${quoted(path)}). Where credentials exist already, bring back the key that they were encrypted with.`,
        cause,
      })
    : new ValidationError('INVALID_CONFIG', `key file ${path} cannot be read (${code})`, {
        remedy: 'Check the path, and that the user of this process owns the file.',
        cause,
      });
}

function cannotCreate(path: string, cause: unknown): ValidationError {
  const code = codeOf(cause);
  return code === 'EEXIST'
    ? new ValidationError('INVALID_CONFIG', `there is a file ${path} already, and it was left as it is`, {
        remedy: 'Use it with EncryptionKey.fromFile(), or choose another path.',
        cause,
      })
    : new ValidationError('INVALID_CONFIG', `key file ${path} cannot be created (${code})`, {
        remedy: 'Check that the directory exists and that the user of this process may write there.',
        cause,
      });
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error
    ? String(error.code)
    : 'unknown error';
}

/** For a POSIX shell. */
function quoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}

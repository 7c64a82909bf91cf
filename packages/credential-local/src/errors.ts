import type { Classification } from '@nebula/credential-core';

/** Code of an error of ours: the file is in place, but the disk did not confirm that the folder would survive a crash. */
export const DIRECTORY_SYNC_FAILED = 'ERR_NEBULA_DIRECTORY_SYNC';

interface SystemError {
  readonly code?: unknown;
  readonly path?: unknown;
  readonly syscall?: unknown;
}

type Meaning = Pick<Classification, 'code' | 'outcome' | 'retryable'> & {
  readonly text: string;
  readonly remedy: string;
};

const full: Meaning = {
  code: 'QUOTA_EXCEEDED',
  text: 'the disk is full',
  remedy: 'Free space on the disk of this path, or delete credentials that are not needed.',
};

const denied: Meaning = {
  code: 'PERMISSION_DENIED',
  text: 'the system refuses access',
  remedy:
    'Give the user that this process runs as read and write access to the path, and search access to the folders above it.',
};

const tooManyFiles: Meaning = {
  code: 'UNAVAILABLE',
  // The folder is opened before anything is written, so no write is cut in half by this.
  outcome: 'not-applied',
  text: 'too many files are open',
  remedy: 'Raise the limit of open files (ulimit -n), or lower maxConcurrency.',
};

const notAFolder: Meaning = {
  code: 'INVALID_STATE',
  text: 'something else is in the place of a folder or file of the storage',
  remedy: 'Look at the path and move away what this library did not put there.',
};

const faultyDisk: Meaning = {
  code: 'UNAVAILABLE',
  // Asking a failing disk again does not mend it, and hides that it fails.
  retryable: false,
  text: 'the disk reported an error',
  remedy: 'Check the disk and the system log; keep a backup.',
};

const noLocks: Meaning = {
  code: 'INVALID_STATE',
  text: 'the file system has no locks or hard links of this kind',
  remedy:
    "Keep the folder on a local file system. Where that one lacks kernel locks, set locking: 'file' in every process that uses it.",
};

const busy: Meaning = {
  code: 'UNAVAILABLE',
  outcome: 'not-applied',
  text: 'the file is in use',
  remedy: 'Call again later; a virus scanner or a backup may hold the file.',
};

const meanings: Readonly<Record<string, Meaning>> = {
  ENOSPC: full,
  EDQUOT: { ...full, text: "the user's disk quota is used up", remedy: 'Free space or raise the quota.' },
  EFBIG: {
    ...full,
    text: 'the file would be larger than is allowed',
    remedy: 'Raise the limit (ulimit -f).',
  },
  EROFS: {
    ...denied,
    text: 'the file system is read-only',
    remedy: 'Mount the file system of this path with write access, or choose another directory.',
  },
  EACCES: denied,
  EPERM: denied,
  EMFILE: tooManyFiles,
  ENFILE: { ...tooManyFiles, remedy: 'Raise the system-wide limit of open files (fs.file-max).' },
  ENOTDIR: notAFolder,
  EISDIR: notAFolder,
  ELOOP: { ...notAFolder, text: 'a symbolic link is in the place of a file; links are never followed' },
  EIO: faultyDisk,
  ESTALE: { ...faultyDisk, text: 'the file system went away' },
  ENODEV: { ...faultyDisk, text: 'the disk went away' },
  ENXIO: { ...faultyDisk, text: 'the disk went away' },
  ENOLCK: noLocks,
  ENOSYS: noLocks,
  ENOTSUP: noLocks,
  EOPNOTSUPP: noLocks,
  EMLINK: noLocks,
  EBUSY: busy,
  ETXTBSY: busy,
  ENOMEM: { ...busy, outcome: undefined, text: 'the system is out of memory', remedy: 'Call again later.' },
  [DIRECTORY_SYNC_FAILED]: {
    ...faultyDisk,
    outcome: 'unknown',
    text: 'the disk did not confirm the write',
  },
};

/** What a system error means. ENOENT has no place here: what it means depends on what is missing; see file.ts. */
export function classifySystemError(
  error: unknown,
  step: string,
  platform: NodeJS.Platform = process.platform,
): Classification {
  const { code, path, syscall } = (typeof error === 'object' && error !== null ? error : {}) as SystemError;
  // Windows refuses so to replace a file that somebody has open.
  const inUse = platform === 'win32' && syscall === 'rename' && hasErrno(error, 'EPERM', 'EACCES');
  const known = typeof code === 'string' && Object.hasOwn(meanings, code) ? meanings[code] : undefined;
  const { text, ...meaning } = inUse ? busy : (known ?? unknownMeaning);
  const where = typeof path === 'string' ? ` at ${path}` : '';
  const what = [code, syscall].filter((part) => typeof part === 'string').join(' in ');
  return {
    ...meaning,
    message: `${text}${where} (step ${step}${what && `, ${what}`})`,
    // System errors hold paths and numbers, no content.
    ...(typeof syscall === 'string' && { cause: error }),
  };
}

const unknownMeaning: Meaning = {
  code: 'UNAVAILABLE',
  retryable: false,
  text: 'the file system failed in an unexpected way',
  remedy: 'Look at the cause and at the path; check the disk.',
};

/** Whether a system call failed for this reason. */
export function hasErrno(error: unknown, ...codes: readonly string[]): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    (codes as readonly unknown[]).includes(error.code)
  );
}

import {
  type CredentialId,
  hasHashedShape,
  hashedName,
  RESERVED_PREFIX,
  type Scope,
  type Target,
} from '@nebula/credential-core';

/**
 * Id to file name. A name holds `a-z 0-9 . _ - + = ~ @` only, so that it means the same on every disk:
 *
 * - `/` is `+`;
 * - `=` switches between lower and upper case, so `GITHUB_TOKEN` is `=github_token`;
 * - `~` stands before a name that a disk or a shell would take for something else: `.x`, `-x`, `con`, `nul.txt`;
 * - `.json` ends it, which no temporary name does;
 * - an id whose name would be too long, or would look like a hash, is hashed.
 *
 * Scopes are folders `@scope`, which no id can name.
 */
const SUFFIX = '.json';

/** Longest file name in bytes, whatever is put behind it while a file is written. */
export const LONGEST_NAME = 240;

/** `.` and ten hexadecimal digits: a file that is not whole yet. */
const LONGEST_TEMPORARY_SUFFIX = 11;

const LONGEST_STEM: number = LONGEST_NAME - SUFFIX.length - LONGEST_TEMPORARY_SUFFIX;

/** Leading dots hide a file and begin our own names, hyphens look like options, the others are devices on Windows. */
const unsafeStem = /^(?:[.-]|(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$))/;

/** Name of the file that holds a credential, in its scope's folder. */
export function fileName(target: Target): string {
  const stem = encodeId(target.id);
  return `${stem.length > LONGEST_STEM || hasHashedShape(stem) ? hashedName(target, LONGEST_STEM) : stem}${SUFFIX}`;
}

/** Whether {@link fileName} can have made this name. */
export function isCredentialFile(name: string): boolean {
  return name.endsWith(SUFFIX) && (isHashedFile(name) || idOfFile(name) !== undefined);
}

/** Whether the id of this credential file is to be read from its content. */
export function isHashedFile(name: string): boolean {
  return (
    name.endsWith(SUFFIX) && hasHashedShape(name.slice(0, -SUFFIX.length)) && name === name.toLowerCase()
  );
}

/** Most names: nothing in them is escaped, and nothing could be but for what {@link unsafeStem} says. */
const plainStem = /^[a-z0-9_]+(?:[-+.][a-z0-9_]+)*$/;

/** The id that a file is named after; undefined for a hashed name and for what is no credential file. */
export function idOfFile(name: string): CredentialId | undefined {
  const stem = name.slice(0, -SUFFIX.length);
  if (name.endsWith(SUFFIX) && stem.length <= 128 && plainStem.test(stem) && !unsafeStem.test(stem)) {
    return stem.replaceAll('+', '/') as CredentialId;
  }
  if (!name.endsWith(SUFFIX) || stem.length > LONGEST_STEM || hasHashedShape(stem)) {
    return undefined;
  }
  const id = decodeStem(stem);
  // Only what the codec itself would write: a name has one id and an id one name.
  return isId(id) && encodeId(id) === stem ? id : undefined;
}

/** The credential file that a temporary file was to become; undefined for any other file. */
export function targetOfTemporary(name: string): string | undefined {
  const [, file] = /^(.+)\.\d{1,10}$/.exec(name) ?? [];
  return file !== undefined && isCredentialFile(file) ? file : undefined;
}

/** Name of the folder that holds a scope. */
export function scopeFolder(scope: Scope): string {
  return `@${scope}`;
}

/** The scope that a folder is named after. */
export function scopeOfFolder(name: string): Scope | undefined {
  return /^@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name) ? (name.slice(1) as Scope) : undefined;
}

/** Folder for lock files. */
export const LOCKS: string = `${RESERVED_PREFIX}locks`;

/** Folder for old versions. */
export const HISTORY: string = `${RESERVED_PREFIX}history`;

function encodeId(id: string): string {
  let upper = false;
  const stem = id.replaceAll('/', '+').replace(/[A-Z]+|[a-z]+/g, (run) => {
    const switches = upper !== run < 'a';
    upper = run < 'a';
    return switches ? `=${run.toLowerCase()}` : run.toLowerCase();
  });
  return unsafeStem.test(stem) ? `~${stem}` : stem;
}

function decodeStem(stem: string): string {
  const id = (stem.startsWith('~') ? stem.slice(1) : stem).replaceAll('+', '/');
  return id.includes('=')
    ? id
        .split('=')
        .map((run, index) => (index % 2 === 1 ? run.toUpperCase() : run))
        .join('')
    : id;
}

/** The core's rule for ids. */
function isId(text: string): text is CredentialId {
  return text.length <= 128 && /^[A-Za-z0-9\-_./]+$/.test(text) && !/(?:^|\/)\.{0,2}(?:\/|$)/.test(text);
}

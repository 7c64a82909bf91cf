import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type Call,
  type CredentialVersion,
  CryptoError,
  type DriverHistory,
  type Page,
  type Revision,
  StorageError,
  type Target,
} from '@nebula/credential-core';
import { assertBelongs, type Document, parseDocument } from './document.ts';
import { hasErrno } from './errors.ts';
import { readFile, syncDirectory, writeDurably } from './file.ts';
import { ensureSubfolder, type Place } from './folder.ts';

const PAGE = 100;

/** How {@link LocalHistory} reads and replaces current versions. */
export interface CurrentVersions {
  place(target: Target): Place;
  /** @throws StorageError NOT_FOUND */
  read(call: Call, target: Target): Promise<Document>;
  /** Makes what `choose` gives, under the credential's lock, its next version. */
  replace(call: Call, target: Target, choose: () => Promise<Document['record']>): Promise<Revision>;
}

/** Old versions of credentials: one file each, named after the version, in a folder a credential. */
export class LocalHistory implements DriverHistory {
  readonly #current: CurrentVersions;

  constructor(current: CurrentVersions) {
    this.#current = current;
  }

  async list(call: Call, target: Target, cursor: string | undefined): Promise<Page<CredentialVersion>> {
    const current = await this.#undamaged(call, target);
    return call.request('list-versions', async () => {
      const place = this.#current.place(target);
      const before = cursor === undefined ? (current?.version ?? Infinity) : Number(cursor);
      const numbers = (await keptVersions(place)).filter((number) => number < before);
      const page = numbers.slice(0, PAGE);
      const old = await Promise.all(page.map((number) => readVersion(place, number)));
      const items = old.flatMap((document) => (document === undefined ? [] : describe(document, false)));
      return {
        items: cursor === undefined && current !== undefined ? [...describe(current, true), ...items] : items,
        next: page.length < numbers.length ? String(page.at(-1)) : undefined,
      };
    });
  }

  async restore(call: Call, target: Target, version: string): Promise<Revision> {
    return this.#current.replace(call, target, async () => (await this.read(call, target, version)).record);
  }

  /** @throws StorageError NOT_FOUND */
  async read(call: Call, target: Target, version: string): Promise<Document> {
    const current = await this.#undamaged(call, target);
    if (current !== undefined && version === String(current.version)) {
      return current;
    }
    return call.request('read-version', async () => {
      const number = /^[1-9]\d{0,14}$/.test(version) ? Number(version) : Number.NaN;
      // One that is ahead of the current version was copied by a writer who did not come to replace it.
      const found =
        number < (current?.version ?? Infinity)
          ? await readVersion(this.#current.place(target), number)
          : undefined;
      if (found === undefined) {
        throw new StorageError('NOT_FOUND', 'there is no such version of the credential', {
          remedy: 'List the versions: old ones are removed when there are more than the provider is to keep.',
        });
      }
      return found;
    });
  }

  /** Where the current version is damaged, the old ones are what is wanted. */
  async #undamaged(call: Call, target: Target): Promise<Document | undefined> {
    try {
      return await this.#current.read(call, target);
    } catch (error) {
      if (error instanceof CryptoError) {
        return undefined;
      }
      throw error;
    }
  }
}

/** Keeps a copy of what is about to be replaced. The caller holds the credential's lock, here and below. */
export async function keepVersion(place: Place, document: Document): Promise<void> {
  const scope = dirname(place.history);
  if (place.target.scope !== undefined) {
    await ensureSubfolder(dirname(scope));
  }
  await ensureSubfolder(scope);
  await ensureSubfolder(place.history);
  await writeDurably(versionPath(place, document.version), JSON.stringify(document));
}

/** Removes the oldest versions, so that at most `limit` are left. */
export async function pruneVersions(place: Place, limit: number): Promise<void> {
  const surplus = (await keptVersions(place)).slice(limit);
  await Promise.all(surplus.map((number) => rm(versionPath(place, number), { force: true })));
}

/** Removes all old versions for good; where there are none it succeeds. */
export async function forgetVersions(place: Place): Promise<void> {
  try {
    await rm(place.history, { recursive: true });
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) {
      return;
    }
    throw error;
  }
  await syncDirectory(dirname(place.history));
}

/** The newest version that is kept; 0 when none is. */
export async function newestVersion(place: Place): Promise<number> {
  return (await keptVersions(place))[0] ?? 0;
}

/** Numbers of the versions that are kept, newest first. */
async function keptVersions(place: Place): Promise<readonly number[]> {
  try {
    const names = await readdir(place.history);
    return names
      .flatMap((name) => /^([1-9]\d{0,14})\.json$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => b - a);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) {
      return [];
    }
    throw error;
  }
}

async function readVersion(place: Place, number: number): Promise<Document | undefined> {
  const path = versionPath(place, number);
  const file = await readFile(path);
  if (file === undefined) {
    return undefined;
  }
  const document = parseDocument(file.text, path);
  assertBelongs(document, place.target, path);
  return document;
}

function versionPath(place: Place, number: number): string {
  return join(place.history, `${number}.json`);
}

function describe(document: Document, current: boolean): readonly [CredentialVersion] {
  return [{ version: String(document.version), createdAt: new Date(document.writtenAt), current }];
}

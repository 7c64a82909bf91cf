import { opendir } from 'node:fs/promises';
import {
  type CredentialId,
  type DriverEntry,
  type ListQuery,
  matchesFilter,
  type Page,
  type Scope,
} from '@nebula/credential-core';
import { assertBelongs, assertNamed, parseDocument, revisionOf } from './document.ts';
import { readFile } from './file.ts';
import type { StorageFolder } from './folder.ts';
import { folderState } from './folder-state.ts';
import { IndexCache } from './index-cache.ts';
import { NamePages } from './names.ts';
import { idOfFile, isCredentialFile, isHashedFile, scopeOfFolder } from './naming.ts';

/** The first page is short, so that a reader has something soon. */
const FIRST_PAGE = 100;
const PAGE = 2_000;

/** Files of a page that are looked at at a time. */
const READERS = 16;

/** A file by its name; without an id its content says whose it is. */
type NamedFile = { readonly id: CredentialId } | 'hashed';

/** Lists credentials and scopes. */
export class Listing {
  readonly #folder: StorageFolder;
  readonly #files = new NamePages<NamedFile>(namedFile);
  readonly #scopes = new NamePages<Scope>(scopeOfFolder);
  readonly #index = new IndexCache();

  constructor(folder: StorageFolder) {
    this.#folder = folder;
  }

  async entries(
    { scope, filter, detail }: ListQuery,
    cursor: string | undefined,
    signal: AbortSignal,
  ): Promise<Page<DriverEntry>> {
    await this.#folder.verify();
    if (!(await this.#folder.hasScope(scope))) {
      return { items: [] };
    }
    const directory = this.#folder.directoryOf(scope);
    const state = await folderState(directory);
    const { names, items, next } = await this.#files.page(directory, state, pageSize(cursor), cursor);
    const found: DriverEntry[] = [];
    const unread: string[] = [];
    for (const [index, item] of items.entries()) {
      if (detail === 'ids' && item !== 'hashed') {
        found.push(item);
        continue;
      }
      const name = names[index] as string;
      const kept = this.#index.peek(`${directory}/${name}`, state);
      if (kept === undefined) {
        unread.push(name);
      } else {
        found.push(kept);
      }
    }
    await atOnce(READERS, unread, async (name) => {
      signal.throwIfAborted();
      const entry = await this.#entry(directory, name, scope, state);
      if (entry !== undefined) {
        found.push(entry);
      }
    });
    return { items: detail === 'ids' ? found : found.filter(matching(filter)).map(detached), next };
  }

  async scopes(cursor: string | undefined): Promise<Page<Scope>> {
    await this.#folder.verify();
    const { path } = this.#folder;
    const { items, next } = await this.#scopes.page(path, await folderState(path), pageSize(cursor), cursor);
    const found: Scope[] = [];
    for (const scope of items) {
      if (await this.#holdsCredential(scope)) {
        found.push(scope);
      }
    }
    return { items: found, next };
  }

  async #holdsCredential(scope: Scope): Promise<boolean> {
    if (await this.#folder.hasScope(scope)) {
      for await (const { name } of await opendir(this.#folder.directoryOf(scope))) {
        if (isCredentialFile(name)) {
          return true;
        }
      }
    }
    return false;
  }

  /** @returns undefined when the file went away since its name was read. */
  async #entry(
    directory: string,
    name: string,
    scope: Scope | undefined,
    state: string | undefined,
  ): Promise<DriverEntry | undefined> {
    const path = `${directory}/${name}`;
    const kept = await this.#index.find(path, state);
    if (kept !== undefined) {
      return kept;
    }
    const readAt = Date.now();
    const file = await readFile(path);
    if (file === undefined) {
      return undefined;
    }
    const document = parseDocument(file.text, path);
    const id = idOfFile(name);
    if (id === undefined) {
      assertNamed(document, scope, name, path);
    } else {
      assertBelongs(document, { id, scope }, path);
    }
    const { tags, lastModified } = document.record.meta;
    const entry = {
      id: document.id as CredentialId,
      tags,
      lastModified: new Date(lastModified),
      revision: revisionOf(document),
    };
    this.#index.keep(path, entry, file.signature, readAt, state);
    return entry;
  }
}

function namedFile(name: string): NamedFile | undefined {
  const id = idOfFile(name);
  if (id !== undefined) {
    return { id };
  }
  return isHashedFile(name) ? 'hashed' : undefined;
}

function pageSize(cursor: string | undefined): number {
  return cursor === undefined ? FIRST_PAGE : PAGE;
}

function matching(filter: ListQuery['filter']): (entry: DriverEntry) => boolean {
  return (entry) => matchesFilter(filter, { ...entry, tags: entry.tags ?? {} });
}

/** A copy that a caller may change without changing what is kept. */
function detached({ tags, lastModified, ...entry }: DriverEntry): DriverEntry {
  return { ...entry, tags: { ...tags }, lastModified: lastModified && new Date(lastModified) };
}

/** Runs a task for each item, so many at a time. */
async function atOnce<T>(
  count: number,
  items: readonly T[],
  task: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: Math.min(count, items.length) }, async () => {
      for (const item of queue) {
        await task(item);
      }
    }),
  );
}

import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
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
import { IndexCache } from './index-cache.ts';
import { NamePages } from './names.ts';
import { idOfFile, isCredentialFile, isHashedFile, scopeOfFolder } from './naming.ts';

/** The first page is short, so that a reader has something soon. */
const FIRST_PAGE = 100;
const PAGE = 2_000;

/** Files of a page that are looked at at a time. */
const READERS = 16;

/** Lists credentials and scopes. */
export class Listing {
  readonly #folder: StorageFolder;
  readonly #names = new NamePages();
  readonly #index = new IndexCache();

  constructor(folder: StorageFolder) {
    this.#folder = folder;
  }

  async entries(
    { scope, filter, detail }: ListQuery,
    cursor: string | undefined,
    signal: AbortSignal,
  ): Promise<Page<DriverEntry>> {
    if (cursor === undefined) {
      await this.#folder.verify();
      if (!(await this.#folder.hasScope(scope))) {
        return { items: [] };
      }
    }
    const directory = this.#folder.directoryOf(scope);
    const isCandidate = (entry: { name: string; isDirectory(): boolean }): boolean =>
      entry.name.endsWith('.json') && !entry.isDirectory();
    const page = await this.#names.page(directory, isCandidate, pageSize(cursor), cursor, signal);
    const { names = [], next } = page ?? {};
    const state =
      detail === 'entries' || names.some(isHashedFile) ? await this.#index.folderState(directory) : undefined;
    const items: (DriverEntry | undefined)[] = new Array(names.length);
    const unread: number[] = [];
    names.forEach((name, index) => {
      const id = idOfFile(name);
      if (detail === 'ids' && id !== undefined) {
        items[index] = { id };
      } else if (id !== undefined || isHashedFile(name)) {
        items[index] = this.#index.peek(join(directory, name), state);
        if (items[index] === undefined) {
          unread.push(index);
        }
      }
    });
    await atOnce(READERS, unread, async (index) => {
      signal.throwIfAborted();
      items[index] = await this.#entry(directory, names[index] as string, scope, state);
    });
    const found = items.filter((entry) => entry !== undefined);
    return {
      items:
        detail === 'ids'
          ? found
          : found
              .filter((entry) => matchesFilter(filter, { ...entry, tags: entry.tags ?? {} }))
              .map(detached),
      next,
    };
  }

  async scopes(cursor: string | undefined, signal: AbortSignal): Promise<Page<Scope>> {
    await this.#folder.verify();
    const isScope = (entry: { name: string; isDirectory(): boolean }): boolean =>
      scopeOfFolder(entry.name) !== undefined && entry.isDirectory();
    const page = await this.#names.page(this.#folder.path, isScope, pageSize(cursor), cursor, signal);
    const { names = [], next } = page ?? {};
    const items: Scope[] = [];
    for (const name of names) {
      const scope = scopeOfFolder(name);
      if (scope !== undefined && (await holdsCredential(this.#folder.directoryOf(scope)))) {
        items.push(scope);
      }
    }
    return { items, next };
  }

  /** @returns undefined when the file went away since its name was read. */
  async #entry(
    directory: string,
    name: string,
    scope: Scope | undefined,
    state: string | undefined,
  ): Promise<DriverEntry | undefined> {
    const path = join(directory, name);
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

function pageSize(cursor: string | undefined): number {
  return cursor === undefined ? FIRST_PAGE : PAGE;
}

/** A copy that a caller may change without changing what is kept. */
function detached({ tags, lastModified, ...entry }: DriverEntry): DriverEntry {
  return { ...entry, tags: { ...tags }, lastModified: lastModified && new Date(lastModified) };
}

async function holdsCredential(directory: string): Promise<boolean> {
  for await (const { name } of await opendir(directory)) {
    if (isCredentialFile(name)) {
      return true;
    }
  }
  return false;
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

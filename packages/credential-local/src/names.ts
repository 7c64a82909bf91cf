import { randomUUID } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { hasErrno } from './errors.ts';

/** Names in memory at a time, for one listing. */
const WINDOW = 20_000;

/** Listings that are remembered between two pages. One that is forgotten reads the folder once more. */
const REMEMBERED = 8;

/** Which names of a folder a listing is about. */
export type Accept = (entry: Dirent) => boolean;

interface Window {
  /** Ascending. */
  readonly names: readonly string[];
  /** Whether the folder has more behind the last one. */
  readonly more: boolean;
}

export interface NamePage {
  readonly names: readonly string[];
  /** Where the next page begins; absent on the last. */
  readonly next?: string | undefined;
}

/**
 * Reads the names in a folder page by page, in ascending order. A cursor is the last name given, so a page can be
 * asked for again, and no name comes twice, whatever happens in the folder meanwhile. The names behind it are
 * remembered as far as memory allows, so that the folder is not read again for each page.
 */
export class NamePages {
  readonly #windows = new Map<string, Window>();

  /**
   * @param signal - looked at while a large folder is read.
   * @returns undefined when there is no such folder.
   */
  async page(
    directory: string,
    accept: Accept,
    size: number,
    cursor: string | undefined,
    signal: AbortSignal,
  ): Promise<NamePage | undefined> {
    const [listing, after] = cursor === undefined ? [randomUUID(), ''] : splitCursor(cursor);
    const window = this.#recall(listing, after) ?? (await readWindow(directory, accept, after, signal));
    if (window === undefined) {
      return undefined;
    }
    const start = firstBehind(window.names, after);
    const names = window.names.slice(start, start + size);
    const last = names.at(-1);
    if (last === undefined || (!window.more && start + size >= window.names.length)) {
      this.#windows.delete(listing);
      return { names };
    }
    this.#remember(listing, window);
    return { names, next: `${listing}/${last}` };
  }

  #recall(listing: string, after: string): Window | undefined {
    const window = this.#windows.get(listing);
    return window !== undefined && (!window.more || after < (window.names.at(-1) ?? '')) ? window : undefined;
  }

  #remember(listing: string, window: Window): void {
    this.#windows.delete(listing);
    this.#windows.set(listing, window);
    const [oldest] = this.#windows.keys();
    if (this.#windows.size > REMEMBERED && oldest !== undefined) {
      this.#windows.delete(oldest);
    }
  }
}

/** The first names behind `after`, as many as {@link WINDOW}. */
async function readWindow(
  directory: string,
  accept: Accept,
  after: string,
  signal: AbortSignal,
): Promise<Window | undefined> {
  let names: string[] = [];
  let more = false;
  const keepFirst = (): void => {
    names.sort(byCodeUnit);
    more ||= names.length > WINDOW;
    names = names.slice(0, WINDOW);
  };
  try {
    for await (const entry of await opendir(directory, { bufferSize: 1_024 })) {
      signal.throwIfAborted();
      if (entry.name > after && accept(entry) && names.push(entry.name) === 2 * WINDOW) {
        keepFirst();
      }
    }
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) {
      return undefined;
    }
    throw error;
  }
  keepFirst();
  return { names, more };
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function splitCursor(cursor: string): readonly [listing: string, after: string] {
  const slash = cursor.indexOf('/');
  return [cursor.slice(0, slash), cursor.slice(slash + 1)];
}

/** Index of the first name behind `after`. */
function firstBehind(names: readonly string[], after: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((names[middle] as string) > after) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

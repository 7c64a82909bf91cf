import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';

/** Listings and folders that are remembered. One that is forgotten is read once more. */
const REMEMBERED = 8;

/** The first names behind some name. */
interface Window<T> {
  /** Ascending. */
  readonly names: readonly string[];
  /** What each name stands for. */
  readonly items: readonly T[];
  /** Whether the folder has more behind the last one. */
  readonly more: boolean;
}

export interface NamePage<T> extends Pick<Window<T>, 'names' | 'items'> {
  /** Where the next page begins; absent on the last. */
  readonly next?: string | undefined;
}

/**
 * Reads the names in a folder page by page, in ascending order. A cursor is the last name given, so a page can be
 * asked for again, and no name comes twice, whatever happens in the folder meanwhile. The names behind it are
 * remembered as far as memory allows, so that the folder is not read again for each page.
 */
export class NamePages<T> {
  readonly #parse: (name: string) => T | undefined;
  readonly #windowSize: number;
  readonly #listings = new Map<string, Window<T>>();
  /** Whole folders as they were in a state. */
  readonly #folders = new Map<string, { readonly state: string; readonly window: Window<T> }>();

  /**
   * @param parse - undefined leaves a name out.
   * @param windowSize - names that are kept for one listing.
   */
  constructor(parse: (name: string) => T | undefined, windowSize = 20_000) {
    this.#parse = parse;
    this.#windowSize = windowSize;
  }

  /**
   * @param state - of the folder, where it is known.
   * @throws system errors, ENOENT when there is no such folder
   */
  async page(
    directory: string,
    state: string | undefined,
    size: number,
    cursor: string | undefined,
  ): Promise<NamePage<T>> {
    const [listing, after] = cursor === undefined ? [randomUUID(), undefined] : splitCursor(cursor);
    const window = this.#recall(listing, after) ?? (await this.#window(directory, state, after));
    const start = after === undefined ? 0 : firstBehind(window.names, after);
    const end = start + size;
    const page = { names: window.names.slice(start, end), items: window.items.slice(start, end) };
    const last = page.names.at(-1);
    if (last === undefined || (!window.more && end >= window.names.length)) {
      this.#listings.delete(listing);
      return page;
    }
    remember(this.#listings, listing, window);
    return { ...page, next: `${listing}/${last}` };
  }

  #recall(listing: string, after: string | undefined): Window<T> | undefined {
    const window = this.#listings.get(listing);
    const last = window?.names.at(-1) ?? '';
    return window?.more && after !== undefined && after >= last ? undefined : window;
  }

  async #window(directory: string, state: string | undefined, after: string | undefined): Promise<Window<T>> {
    const folder = this.#folders.get(directory);
    if (folder !== undefined && folder.state === state) {
      return folder.window;
    }
    const window = await this.#read(directory, after);
    if (state !== undefined && after === undefined && !window.more) {
      remember(this.#folders, directory, { state, window });
    }
    return window;
  }

  /**
   * The names of the whole folder are in memory for a moment, which takes some 100 bytes each. To read them one by one
   * would bound that, and takes twice as long, in the reading and in the sorting: libuv gives them in order already.
   */
  async #read(directory: string, after = ''): Promise<Window<T>> {
    const names: string[] = [];
    const items: T[] = [];
    for (const name of (await readdir(directory)).sort(byCodeUnit)) {
      const item = name > after ? this.#parse(name) : undefined;
      if (item !== undefined) {
        if (names.length === this.#windowSize) {
          return { names, items, more: true };
        }
        names.push(name);
        items.push(item);
      }
    }
    return { names, items, more: false };
  }
}

function remember<V>(memory: Map<string, V>, key: string, value: V): void {
  memory.delete(key);
  memory.set(key, value);
  const [oldest] = memory.keys();
  if (memory.size > REMEMBERED && oldest !== undefined) {
    memory.delete(oldest);
  }
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

import type { Page } from '@nebula/credential-core';

/**
 * The first page of what the candidates give; `next` is the last candidate looked at.
 * @param toItem - undefined leaves a candidate out.
 */
export function pageOf<K extends string | number, T>(
  candidates: readonly K[],
  size: number,
  toItem: (candidate: K) => T | undefined,
): Page<T> {
  const items: T[] = [];
  for (const candidate of candidates) {
    const item = toItem(candidate);
    if (item !== undefined && items.push(item) === size) {
      return { items, next: String(candidate) };
    }
  }
  return { items };
}

/** What is left of names in ascending order, after the one that a cursor names. */
export function after<K extends string>(cursor: string | undefined, names: readonly K[]): readonly K[] {
  return cursor === undefined ? names : names.filter((name) => name > cursor);
}

import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { folderState, isSettled } from '../src/folder-state.ts';
import { NamePages } from '../src/names.ts';
import { LocalStorageProvider } from '../src/provider.ts';
import { temporaryDirectories } from './directories.ts';
import { recordOf } from './records.ts';

const temporaryDirectory = temporaryDirectories();

/** Longer than a tick of the clock: what is looked at now will be remembered. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60));

async function tagged(provider: LocalStorageProvider, scope?: string): Promise<Record<string, string>> {
  const entries = await Array.fromAsync(provider.entries({ tags: { in: 'yes' } }, { scope }));
  return Object.fromEntries(entries.map(({ id, tags }) => [id, tags['n'] ?? '']));
}

describe('the index', () => {
  it('follows what this and other providers write, at once and after a rest', async () => {
    const directory = temporaryDirectory();
    await using reader = new LocalStorageProvider({ directory });
    await using writer = new LocalStorageProvider({ directory });
    const expected: Record<string, string> = {};
    for (let n = 0; n < 40; n += 1) {
      const id = `id-${n % 7}`;
      switch (n % 5) {
        case 3:
          await writer.delete(id);
          delete expected[id];
          break;
        case 4:
          await writer.store(id, recordOf({ in: 'no', n: String(n) }));
          delete expected[id];
          break;
        default:
          await (n % 2 ? reader : writer).store(id, recordOf({ in: 'yes', n: String(n) }));
          expected[id] = String(n);
      }
      expect(await tagged(reader)).toEqual(expected);
      if (n % 4 === 0) {
        await settled();
        expect(await tagged(reader)).toEqual(expected);
        expect(await tagged(reader)).toEqual(expected);
      }
    }
  });

  it('finds a write of the same tick, however often it is asked', async () => {
    const directory = temporaryDirectory();
    await using provider = new LocalStorageProvider({ directory });
    for (let n = 10; n < 90; n += 1) {
      // Same size, and often the same inode.
      await provider.store('a', recordOf({ in: 'yes', n: String(n) }));
      expect(await tagged(provider)).toEqual({ a: String(n) });
    }
  });

  it('notices a file that was put there by hand, once its folder shows it', async () => {
    const directory = temporaryDirectory();
    await using provider = new LocalStorageProvider({ directory });
    await provider.store('a', recordOf({ in: 'yes', n: '1' }));
    await provider.store('a', recordOf({ in: 'yes', n: '2' }), { scope: 's' });
    await settled();
    expect(await tagged(provider)).toEqual({ a: '1' });
    expect(await tagged(provider, 's')).toEqual({ a: '2' });
    renameSync(join(directory, '@s', 'a.json'), join(directory, 'a.json'));
    await expect(tagged(provider)).rejects.toMatchObject({ code: 'CORRUPTED' });
    expect(await tagged(provider, 's')).toEqual({});
  });

  it('is not changed by what a caller does to an entry', async () => {
    const directory = temporaryDirectory();
    await using provider = new LocalStorageProvider({ directory });
    await provider.store('a', recordOf({ in: 'yes', n: '1' }));
    await settled();
    const [first] = await Array.fromAsync(provider.entries());
    const time = first?.lastModified?.getTime();
    first?.lastModified?.setTime(0);
    Object.assign(first?.tags ?? {}, { n: '2' });
    const [second] = await Array.fromAsync(provider.entries());
    expect([second?.tags, second?.lastModified?.getTime()]).toEqual([{ in: 'yes', n: '1' }, time]);
  });

  it('takes no state for settled that could still change unseen', () => {
    const times = { mtimeMs: 1_000_000.5, ctimeMs: 1_000_000.25 };
    expect(isSettled(times, 1_000_010)).toBe(false);
    expect(isSettled(times, 1_000_026)).toBe(true);
    // A clock that was set back.
    expect(isSettled(times, 900_000)).toBe(false);
    const coarse = { mtimeMs: 1_000_000, ctimeMs: 998_000 };
    expect(isSettled(coarse, 1_001_900)).toBe(false);
    expect(isSettled(coarse, 1_002_001)).toBe(true);
  });

  it('knows a folder by its times', async () => {
    const directory = temporaryDirectory();
    mkdirSync(directory);
    expect(await folderState(directory)).toBeUndefined();
    await settled();
    const state = await folderState(directory);
    expect(state).toEqual(expect.any(String));
    expect(await folderState(directory)).toBe(state);
    writeFileSync(join(directory, 'x'), '');
    utimesSync(directory, 1, 1);
    await settled();
    expect(await folderState(directory)).not.toBe(state);
  });
});

describe('hashed names', () => {
  it('are listed by the ids in their files', async () => {
    const directory = temporaryDirectory();
    await using provider = new LocalStorageProvider({ directory });
    const ids = ['plain', 'aB'.repeat(64), `x--${'a'.repeat(26)}`].sort();
    for (const id of ids) {
      await provider.store(id, recordOf());
    }
    for (let round = 0; round < 3; round += 1) {
      expect((await Array.fromAsync(provider.list())).sort()).toEqual(ids);
      await settled();
    }
  });
});

describe('pages of names', () => {
  const parse = (name: string): string | undefined => (name.startsWith('n') ? name : undefined);

  it('can be asked for again, and survive being forgotten', async () => {
    const directory = temporaryDirectory();
    mkdirSync(directory);
    const expected = Array.from({ length: 95 }, (_, index) => `n${String(index).padStart(3, '0')}`);
    for (const name of [...expected, 'other']) {
      writeFileSync(join(directory, name), '');
    }
    const pages = new NamePages(parse);
    const all = async (each: (cursor: string) => Promise<void>): Promise<string[]> => {
      const found: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await pages.page(directory, undefined, 10, cursor);
        found.push(...page.items);
        cursor = page.next;
        if (cursor !== undefined) {
          await each(cursor);
        }
      } while (cursor !== undefined);
      return found;
    };
    expect(await all(async () => undefined)).toEqual(expected);
    const first = await pages.page(directory, undefined, 10, undefined);
    const second = await pages.page(directory, undefined, 10, first.next);
    expect(await pages.page(directory, undefined, 10, first.next)).toEqual(second);
    const forgetting = all(async () => {
      for (let other = 0; other < 10; other += 1) {
        await pages.page(directory, undefined, 10, undefined);
      }
    });
    expect(await forgetting).toEqual(expected);
    // What was there throughout comes once, whatever else came and went.
    const changing = await all(async (cursor) => {
      rmSync(join(directory, cursor.split('/').at(-1) ?? ''), { force: true });
      writeFileSync(join(directory, `n9${cursor.slice(-3)}`), '');
    });
    expect(new Set(changing).size).toBe(changing.length);
    expect(expected.filter((name) => !changing.includes(name))).toEqual([]);
  });

  it('of a folder that is larger than what is remembered are all of it', async () => {
    const directory = temporaryDirectory();
    mkdirSync(directory);
    const count = 205;
    for (let index = 0; index < count; index += 1) {
      writeFileSync(join(directory, `n${String(index).padStart(3, '0')}`), '');
    }
    await settled();
    const pages = new NamePages(parse, 100);
    const state = await folderState(directory);
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await pages.page(directory, state, 30, cursor);
      found.push(...page.items);
      cursor = page.next;
    } while (cursor !== undefined);
    expect(found).toHaveLength(count);
    expect(new Set(found).size).toBe(count);
  });
});

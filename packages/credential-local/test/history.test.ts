import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { LocalStorageProvider } from '../src/provider.ts';
import { filesBelow, temporaryDirectories } from './directories.ts';
import { recordOf } from './records.ts';

const temporaryDirectory = temporaryDirectories();

async function opened(versions: number, directory: string = temporaryDirectory()) {
  const provider = new LocalStorageProvider({ directory, versions });
  await provider.connect();
  const list = async (id: string) => {
    const found = await Array.fromAsync(provider.versions?.list(id) ?? []);
    return found.map(({ version, current }) => `${version}${current ? ' current' : ''}`);
  };
  const readValue = async (id: string, version?: string) =>
    (await provider.retrieve(id, {}, { version })).metadata.tags['n'];
  return { directory, provider, list, readValue };
}

describe('old versions', () => {
  it('are kept up to the limit, newest first, and restored', async () => {
    const { directory, provider, list, readValue } = await opened(3);
    for (let n = 1; n <= 6; n += 1) {
      await provider.store('a', recordOf({ n: String(n) }));
    }
    expect(await list('a')).toEqual(['6 current', '5', '4', '3']);
    expect(await readValue('a', '4')).toBe('4');
    expect(await readValue('a', '6')).toBe('6');
    const before = await provider.retrieve('a');
    const revision = await provider.versions?.restore('a', '4');
    const after = await provider.retrieve('a');
    expect([after.revision, after.metadata.tags]).toEqual([revision, { n: '4' }]);
    expect(after.record.writeId).not.toBe(before.record.writeId);
    expect(await list('a')).toEqual(['7 current', '6', '5', '4']);
    for (const version of ['1', '8', '0', '-1', 'x', '../a', '4.json', '99999999999999999999']) {
      await expect(provider.retrieve('a', {}, { version })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    expect(filesBelow(directory).filter((path) => path.includes('history'))).toEqual([
      '.nebula-history/a.json/4.json',
      '.nebula-history/a.json/5.json',
      '.nebula-history/a.json/6.json',
    ]);
    await provider.close();
  });

  it('come page by page', async () => {
    const { provider, list } = await opened(1_000);
    for (let n = 1; n <= 230; n += 1) {
      await provider.store('a', recordOf());
    }
    const expected = Array.from({ length: 230 }, (_, index) => String(230 - index));
    expect(await list('a')).toEqual(['230 current', ...expected.slice(1)]);
    await provider.close();
  });

  it('go with their credential, also where history is off by now', async () => {
    const { directory, provider } = await opened(3);
    await provider.store('a', recordOf(), { scope: 's' });
    await provider.store('a', recordOf(), { scope: 's' });
    expect(readdirSync(join(directory, '.nebula-history', '@s', 'a.json'))).toEqual(['1.json']);
    const plain = new LocalStorageProvider({ directory });
    expect(plain.versions).toBeUndefined();
    await plain.delete('a', { scope: 's' });
    expect(existsSync(join(directory, '.nebula-history', '@s', 'a.json'))).toBe(false);
    await plain.close();
    await provider.close();
  });

  it('of a credential that was deleted by half are not those of the next one', async () => {
    const { directory, provider, list } = await opened(3);
    await provider.store('a', recordOf());
    await provider.store('a', recordOf());
    const kept = join(directory, '.nebula-history', 'a.json');
    rmSync(join(directory, 'a.json'));
    await expect(list('a')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await provider.store('a', recordOf());
    expect(await list('a')).toEqual(['1 current']);
    expect(existsSync(kept)).toBe(false);
    await provider.close();
  });

  it('are there when the current one is damaged', async () => {
    const { directory, provider, list, readValue } = await opened(3);
    for (const n of ['1', '2', '3']) {
      await provider.store('a', recordOf({ n }));
    }
    writeFileSync(join(directory, 'a.json'), '{');
    await expect(provider.retrieve('a')).rejects.toMatchObject({ code: 'CORRUPTED' });
    expect(await list('a')).toEqual(['2', '1']);
    expect(await readValue('a', '2')).toBe('2');
    await provider.versions?.restore('a', '2');
    expect(await list('a')).toEqual(['3 current', '2', '1']);
    expect(await readValue('a')).toBe('2');
    await provider.close();
  });

  it('that are damaged say so, and do not stand in the way of the others', async () => {
    const { directory, provider, readValue } = await opened(3);
    for (const n of ['1', '2', '3']) {
      await provider.store('a', recordOf({ n }));
    }
    writeFileSync(join(directory, '.nebula-history', 'a.json', '1.json'), '{');
    await expect(provider.retrieve('a', {}, { version: '1' })).rejects.toMatchObject({ code: 'CORRUPTED' });
    expect(await readValue('a', '2')).toBe('2');
    await provider.store('a', recordOf({ n: '4' }));
    expect(await readValue('a')).toBe('4');
    await provider.close();
  });
});

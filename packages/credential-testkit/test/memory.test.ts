import { describe, expect, it } from '@jest/globals';
import type { CredentialChange, PlainRecord, StorageProvider } from '@nebula/credential-core';
import { MemoryStorage, MemoryStorageProvider } from '../src/index.ts';
import { recordOf } from './record.ts';

/** The first changes that a watch shows. */
async function changes(
  provider: StorageProvider,
  count: number,
  cursor?: string,
): Promise<CredentialChange[]> {
  const seen: CredentialChange[] = [];
  for await (const change of provider.watch?.({}, {}, { cursor }) ?? []) {
    if (seen.push(change) === count) {
      break;
    }
  }
  return seen;
}

describe('options', () => {
  it('are checked all at once, each with its path', () => {
    const wrong = {
      without: ['ifAbsent', 'magic'],
      maxRecordBytes: 10,
      pageSize: 0,
      storage: {},
      pagesize: 5,
      timeouts: { read: 5 },
    };
    expect(() => new MemoryStorageProvider(wrong as never)).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONFIG',
        issues: expect.arrayContaining(
          ['without[1]', 'maxRecordBytes', 'pageSize', 'storage', 'pagesize', 'timeouts.read'].map((path) =>
            expect.objectContaining({ path }),
          ),
        ),
      }),
    );
  });

  it('set the largest record and the page', async () => {
    await using provider = new MemoryStorageProvider({ maxRecordBytes: 4_096, pageSize: 2 });
    const plain = (size: number): PlainRecord => {
      const { jwe: _jwe, ...header } = recordOf();
      return { ...header, value: Buffer.alloc(size) };
    };
    await provider.store('a', plain(4_096));
    await expect(provider.store('a', plain(4_097))).rejects.toMatchObject({
      code: 'TOO_LARGE',
      size: 4_097,
      limit: 4_096,
    });
    await provider.store('b', plain(1));
    await provider.store('c', plain(1));
    expect(await Array.fromAsync(provider.list())).toEqual(['a', 'b', 'c']);
    expect(provider.metrics.snapshot().requests['list/list']?.count).toBe(2);
  });

  it('without a storage each provider has its own', async () => {
    await using one = new MemoryStorageProvider();
    await using other = new MemoryStorageProvider();
    await one.store('a', recordOf());
    expect(await other.exists('a')).toBe(false);
  });
});

describe('changes', () => {
  it('can be followed from any cursor that is still kept', async () => {
    await using provider = new MemoryStorageProvider({ storage: new MemoryStorage({ maxChanges: 3 }) });
    const watching = changes(provider, 1);
    await provider.connect();
    await provider.store('a', recordOf());
    const [first] = await watching;
    for (const id of ['b', 'c', 'd']) {
      await provider.store(id, recordOf());
    }
    const rest = await changes(provider, 3, first?.cursor);
    expect(rest.map(({ id }) => id)).toEqual(['b', 'c', 'd']);
    await provider.delete('b');
    await expect(changes(provider, 3, first?.cursor)).rejects.toMatchObject({
      code: 'INVALID_STATE',
      remedy: expect.stringContaining('List'),
    });
    const [last] = await changes(provider, 1, rest.at(-1)?.cursor);
    expect(last).toMatchObject({ type: 'deleted', id: 'b' });
  });

  it('end for a reader that is too slow', async () => {
    await using provider = new MemoryStorageProvider({ storage: new MemoryStorage({ maxChanges: 2 }) });
    await provider.connect();
    const watch = provider.watch?.()[Symbol.asyncIterator]();
    const first = watch?.next();
    await provider.store('a', recordOf());
    await first;
    for (const id of ['b', 'c', 'd']) {
      await provider.store(id, recordOf());
    }
    await expect(watch?.next()).rejects.toMatchObject({ code: 'INVALID_STATE' });
  });

  it('of another storage are not gone on with', async () => {
    await using provider = new MemoryStorageProvider();
    await using other = new MemoryStorageProvider();
    await Promise.all([provider.connect(), other.connect()]);
    const watching = changes(provider, 1);
    await provider.store('a', recordOf());
    const [change] = await watching;
    await other.store('a', recordOf());
    await expect(changes(other, 1, change?.cursor)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('revisions', () => {
  it('are never used twice, through overwrites, deletes, restores and purges', async () => {
    await using provider = new MemoryStorageProvider();
    const seen: string[] = [];
    for (let round = 0; round < 20; round += 1) {
      seen.push(await provider.store('a', recordOf()));
      seen.push(await provider.store('a', recordOf()));
      const [, old] = await Array.fromAsync(provider.versions?.list('a') ?? []);
      seen.push((await provider.versions?.restore('a', old?.version ?? '')) ?? '');
      await provider.delete('a');
      seen.push((await provider.deleted?.restore('a')) ?? '');
      await provider.delete('a');
      await provider.deleted?.purge('a');
    }
    expect(new Set(seen).size).toBe(80);
  });

  it('of a purged credential leave no version behind', async () => {
    await using provider = new MemoryStorageProvider();
    await provider.store('a', recordOf());
    await provider.delete('a');
    await provider.deleted?.purge('a');
    await provider.store('a', recordOf());
    expect(await Array.fromAsync(provider.versions?.list('a') ?? [])).toHaveLength(1);
  });
});

describe('createdAt', () => {
  it('stays through overwrites and restores, and begins anew with a new credential', async () => {
    await using provider = new MemoryStorageProvider();
    const createdAt = async (): Promise<number> => (await provider.head('a')).metadata.createdAt.getTime();
    await provider.store('a', recordOf());
    const first = await createdAt();
    while (Date.now() <= first) {
      // Until the clock has moved on.
    }
    await provider.store('a', recordOf());
    expect(await createdAt()).toBe(first);
    await provider.delete('a');
    await provider.deleted?.restore('a');
    expect(await createdAt()).toBe(first);
    await provider.delete('a');
    await provider.store('a', recordOf());
    expect(await createdAt()).toBeGreaterThan(first);
  });
});

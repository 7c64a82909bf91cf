import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  createProvider,
  credentialId,
  type Driver,
  type DriverEntry,
  type Revision,
  StorageError,
  type StorageErrorCode,
  type StorageProvider,
  scope,
} from '../src/index.ts';
import { BackendError, collect, MapDriver, record, rejection } from './support.ts';
import { VersionedDriver } from './versioned-driver.ts';

const once = { retry: { maxRetries: 0 } } as const;

async function connected<D extends Driver>(driver: D, options = {}): Promise<StorageProvider> {
  const provider = createProvider(driver, { ...once, ...options });
  await provider.connect();
  return provider;
}

/** A driver whose listing lets everything through, whatever the filter says. */
function listing(pages: readonly (readonly DriverEntry[])[]) {
  const driver = new MapDriver();
  const queries: { filter: unknown; detail: string; cursor: string | undefined }[] = [];
  driver.list = (call, { filter, detail }, cursor) =>
    call.request('list', async () => {
      queries.push({ filter, detail, cursor });
      const at = Number(cursor ?? 0);
      const next = at + 1 < pages.length ? String(at + 1) : undefined;
      return { items: (pages[at] ?? []) as never, next };
    });
  return { driver, queries };
}

const entry = (id: string, rest: Partial<DriverEntry> = {}): DriverEntry => ({
  id: credentialId(id),
  ...rest,
});

describe('list and entries', () => {
  it('go page by page, over pages that are empty', async () => {
    const { driver, queries } = listing([[entry('a')], [], [entry('b'), entry('c')], []]);
    const provider = await connected(driver);
    expect(await collect(provider.list())).toEqual(['a', 'b', 'c']);
    expect(queries.map(({ cursor }) => cursor)).toEqual([undefined, '1', '2', '3']);
  });

  it('go on after a page whose cursor is empty', async () => {
    const driver = new MapDriver();
    driver.list = (call, _query, cursor) =>
      call.request('list', async () =>
        cursor === undefined ? { items: [], next: '' } : { items: [{ id: credentialId('a'), tags: {} }] },
      );
    expect(await collect((await connected(driver)).list())).toEqual(['a']);
  });

  it('read no page before it is asked for, and none after the loop is left', async () => {
    const { driver, queries } = listing([[entry('a')], [entry('b')], [entry('c')]]);
    const provider = await connected(driver);
    const ids = provider.list();
    expect(queries).toEqual([]);
    for await (const id of ids) {
      if (id === 'b') {
        break;
      }
    }
    expect(queries).toHaveLength(2);
  });

  it('ask for ids only where nothing else is needed', async () => {
    const { driver, queries } = listing([[entry('a', { tags: { team: 'x' } })]]);
    const provider = await connected(driver);
    await collect(provider.list());
    await collect(provider.list({ tags: {} }));
    await collect(provider.list({ tags: { team: 'x' } }));
    await collect(provider.list({ modifiedBefore: new Date() }));
    await collect(provider.entries());
    expect(queries.map(({ detail }) => detail)).toEqual(['ids', 'ids', 'entries', 'entries', 'entries']);
  });

  it('filter again what the driver lets through', async () => {
    const old = new Date('2026-01-01T00:00:00Z');
    const later = new Date('2026-02-01T00:00:00Z');
    const { driver } = listing([
      [
        entry('none'),
        entry('team-a', { tags: { team: 'a' }, lastModified: old }),
        entry('team-a-prod', { tags: { team: 'a', env: 'prod' }, lastModified: later }),
        entry('team-b', { tags: { team: 'b' } }),
      ],
    ]);
    const provider = await connected(driver);
    const found = (filter: Parameters<StorageProvider['list']>[0]) => collect(provider.list(filter));
    expect(await found({ tags: { team: 'a' } })).toEqual(['team-a', 'team-a-prod']);
    expect(await found({ tags: { team: 'a', env: 'prod' } })).toEqual(['team-a-prod']);
    expect(await found({ tags: { team: 'A' } })).toEqual([]);
    expect(await found({ tags: { constructor: 'Object' } })).toEqual([]);
    expect(await found({ modifiedAfter: old })).toEqual(['team-a', 'team-a-prod']);
    expect(await found({ modifiedAfter: later })).toEqual(['team-a-prod']);
    expect(await found({ modifiedBefore: later })).toEqual(['team-a']);
    expect(await found({ modifiedAfter: old, modifiedBefore: old })).toEqual([]);
    expect(await collect(provider.entries({ tags: { team: 'b' } }))).toEqual([
      { id: 'team-b', tags: { team: 'b' } },
    ]);
  });

  it('give entries tags also where the driver gave none', async () => {
    const { driver } = listing([[entry('a'), entry('b', { revision: 'r' as Revision })]]);
    expect(await collect((await connected(driver)).entries())).toEqual([
      { id: 'a', tags: {} },
      { id: 'b', tags: {}, revision: 'r' },
    ]);
  });

  it('keep the scope', async () => {
    const provider = await connected(new MapDriver());
    await provider.store('a', record('x'), { scope: 'one' });
    await provider.store('b', record('x'));
    expect(await collect(provider.list({}, { scope: 'one' }))).toEqual(['a']);
    expect(await collect(provider.list({}, { scope: scope('two') }))).toEqual([]);
    expect(await collect(provider.list())).toEqual(['b']);
  });
});

describe('a deadline', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it('holds for each page, not for the whole listing', async () => {
    const { driver } = listing([[entry('a')], [entry('b')], [entry('c')]]);
    const { list } = driver;
    const budgets: number[] = [];
    driver.list = async (call, query, cursor) => {
      await call.request('wait', async () => {
        budgets.push(Math.round(call.remaining()));
        await new Promise((resolve) => setTimeout(resolve, 900));
      });
      return list.call(driver, call, query, cursor);
    };
    const provider = await connected(driver);
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    let found: readonly string[] | undefined;
    const done = collect(provider.list({}, {}, { timeout: 1_000 })).then((ids) => {
      found = ids;
    });
    for (let step = 0; found === undefined && step < 50; step += 1) {
      await jest.advanceTimersByTimeAsync(100);
    }
    await done;
    expect(found).toEqual(['a', 'b', 'c']);
    expect(budgets).toEqual([1_000, 1_000, 1_000]);
  });
});

describe('retrieve', () => {
  it('gives undefined while the revision is the given one, and the credential after', async () => {
    const provider = await connected(new MapDriver());
    const first = await provider.store('a', record('one'));
    expect(await provider.retrieve('a', {}, { ifNotRevision: first })).toBeUndefined();
    const second = await provider.store('a', record('two'));
    expect(await provider.retrieve('a', {}, { ifNotRevision: first })).toMatchObject({ revision: second });
  });

  it('does not read the value to find that nothing has changed', async () => {
    const driver = new VersionedDriver();
    const provider = await connected(driver);
    const revision = await provider.store('a', record('one'));
    driver.requests.length = 0;
    await provider.retrieve('a', {}, { ifNotRevision: revision });
    expect(driver.requests).toEqual(['head']);
  });

  it('is NOT_FOUND also with ifNotRevision', async () => {
    const provider = await connected(new MapDriver());
    const error = await rejection(provider.retrieve('a', {}, { ifNotRevision: 'r' as Revision }));
    expect(error).toMatchObject({ code: 'NOT_FOUND', id: 'a' });
  });

  it('gives the creation time of the record, else of the backend, else the last change', async () => {
    const driver = new MapDriver();
    const provider = await connected(driver);
    const base = record('x');
    const imported = '2001-02-03T04:05:06.789Z';
    const backend = new Date('2026-01-01T00:00:00Z');
    const times = async () => (await provider.head('a')).metadata.createdAt.toISOString();
    const { head } = driver;
    driver.head = async (...args) => ({ ...(await head.apply(driver, args)), createdAt: backend });
    await provider.store('a', { ...base, meta: { ...base.meta, createdAt: imported } });
    expect(await times()).toBe(imported);
    await provider.store('a', base);
    expect(await times()).toBe(backend.toISOString());
    driver.head = head;
    expect(await times()).toBe(base.meta.lastModified);
  });

  it('reads versions and names of the backend', async () => {
    const driver = new VersionedDriver();
    const provider = await connected(driver);
    await provider.store('a', record('one'));
    await provider.store('a', record('two'));
    driver.foreign.set('Legacy Name', record('foreign'));
    const text = async (options: object) => {
      const { record: found } = await provider.retrieve('a', {}, options);
      return 'jwe' in found ? found.jwe.ciphertext : undefined;
    };
    expect(await text({ version: '0' })).toBe('one');
    expect(await text({})).toBe('two');
    expect(await text({ nativeName: 'Legacy Name' })).toBe('foreign');
    expect((await collect(provider.versions?.list('a') ?? none())).map(({ version }) => version)).toEqual([
      '1',
      '0',
    ]);
  });
});

async function* none(): AsyncIterable<never> {}

const storageCodes: readonly StorageErrorCode[] = [
  'ALREADY_EXISTS',
  'CONFLICT',
  'PERMISSION_DENIED',
  'AUTHENTICATION_FAILED',
  'RATE_LIMITED',
  'UNAVAILABLE',
  'TIMEOUT',
  'QUOTA_EXCEEDED',
  'INVALID_STATE',
  'TOO_LARGE',
  'UNSUPPORTED',
];

describe('exists', () => {
  it('is false for a proven absence, thrown or classified', async () => {
    const driver = new MapDriver();
    const provider = await connected(driver);
    expect(await provider.exists('a')).toBe(false);
    driver.interference.before = () => {
      throw new BackendError({ code: 'NOT_FOUND' });
    };
    expect(await provider.exists('a')).toBe(false);
    driver.head = () => {
      throw new StorageError('NOT_FOUND', 'before any promise was made');
    };
    expect(await provider.exists('a')).toBe(false);
  });

  it.each(storageCodes)('throws %s', async (code) => {
    const driver = new MapDriver();
    const provider = await connected(driver);
    await provider.store('a', record('x'));
    expect(await provider.exists('a')).toBe(true);
    driver.interference.before = () => {
      throw new BackendError({ code });
    };
    expect(await rejection(provider.exists('a'))).toMatchObject({ code, operation: 'exists' });
  });
});

describe('delete', () => {
  it('of an absent credential succeeds, also when the driver says NOT_FOUND', async () => {
    const driver = new VersionedDriver();
    const provider = await connected(driver);
    await expect(provider.delete('a')).resolves.toBeUndefined();
    expect(driver.requests).toEqual(['connect', 'remove']);
    await expect(provider.deleted?.purge('a')).resolves.toBeUndefined();
  });

  it.each(storageCodes)('throws %s with the outcome', async (code) => {
    const driver = new MapDriver();
    const provider = await connected(driver);
    driver.interference.before = () => {
      throw new BackendError({ code });
    };
    const unknown = code === 'UNAVAILABLE' || code === 'TIMEOUT';
    const outcome = unknown ? 'unknown' : 'not-applied';
    expect(await rejection(provider.delete('a'))).toMatchObject({ code, operation: 'delete', outcome });
    const stored = { code: unknown ? 'OUTCOME_UNKNOWN' : code, outcome };
    expect(await rejection(provider.store('a', record('x')))).toMatchObject(stored);
  });
});

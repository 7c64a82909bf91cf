import { describe, expect, it } from '@jest/globals';
import {
  CredentialManager,
  createProvider,
  EncryptionKey,
  EncryptionManager,
  hasCode,
  type RotationProgress,
  StorageError,
} from '../src/index.ts';
import { BackendError, collect, MapDriver, record, rejection, turn } from './support.ts';
import { VersionedDriver } from './versioned-driver.ts';

const [oldKey, newKey, lostKey] = [1, 2, 3].map(() => EncryptionKey.generate()) as [
  EncryptionKey,
  EncryptionKey,
  EncryptionKey,
];
const before = new EncryptionManager({ primary: oldKey });
const after = new EncryptionManager({ primary: newKey, retired: [oldKey] });
const onlyNew = new EncryptionManager({ primary: newKey });

async function filled<D extends MapDriver | VersionedDriver>(driver: D, count: number, context = {}) {
  const provider = createProvider(driver, { retry: { baseDelay: 0 } });
  const writer = new CredentialManager({ provider, encryption: before, context });
  for (let n = 0; n < count; n += 1) {
    await writer.store(`key/${n}`, `value ${n}`, { tags: { n: `${n}` }, expiresAt: new Date('2999-01-01') });
  }
  const rotator = new CredentialManager({ provider, encryption: after, context });
  const reader = new CredentialManager({ provider, encryption: onlyNew, context });
  return { driver, provider, writer, rotator, reader };
}

const nothing = { rotated: 0, current: 0, gone: 0, failed: 0, oldVersions: 0 };

describe('rotateKeys', () => {
  it('re-encrypts everything under the primary key, and keeps the metadata', async () => {
    const { rotator, writer, reader } = await filled(new MapDriver(), 25);
    const { metadata } = await writer.head('key/7');
    expect(await rotator.rotateKeys()).toEqual({ ...nothing, rotated: 25 });
    const found = await reader.retrieve('key/7');
    expect(await found.secret.expose(String)).toBe('value 7');
    expect(found.metadata).toEqual(metadata);
    expect(await rotator.rotateKeys()).toEqual({ ...nothing, current: 25 });
  });

  it('uses a content key, a writeId and a wrapping of its own for each', async () => {
    const { driver, rotator } = await filled(new MapDriver(), 1);
    const stored = () => JSON.parse(driver.current.get(':key/0')?.text ?? '');
    const old = stored();
    await rotator.rotateKeys();
    const renewed = stored();
    expect(renewed.writeId).not.toBe(old.writeId);
    expect(renewed.meta).toEqual(old.meta);
    for (const part of ['protected', 'encrypted_key', 'iv', 'ciphertext', 'tag', 'aad']) {
      expect(renewed.jwe[part]).not.toBe(old.jwe[part]);
    }
  });

  it('is online: a writer that changes what is rotated loses nothing', async () => {
    const { driver, rotator, reader, provider } = await filled(new MapDriver(), 8);
    driver.interference.after = async () => turn();
    const writer = new CredentialManager({ provider, encryption: after });
    let rotating = true;
    const counts = Array.from({ length: 8 }, () => 0);
    const writing = async (n: number) => {
      for (;;) {
        const { revision } = await writer.head(`key/${n}`);
        try {
          await writer.store(`key/${n}`, `count ${(counts[n] ?? 0) + 1}`, { ifRevision: revision });
          counts[n] = (counts[n] ?? 0) + 1;
        } catch (error) {
          if (!hasCode(error, 'CONFLICT')) {
            throw error;
          }
        }
        if (!rotating) {
          return;
        }
        await turn();
      }
    };
    const writers = counts.map((_, n) => writing(n));
    const report = await rotator.rotateKeys();
    rotating = false;
    await Promise.all(writers);
    expect(report.rotated + report.current).toBe(8);
    for (const [n, count] of counts.entries()) {
      expect(await (await reader.retrieve(`key/${n}`)).secret.expose(String)).toBe(`count ${count}`);
      expect(count).toBeGreaterThan(0);
    }
  });

  it('gives way to a writer, and rotates what that wrote', async () => {
    const { driver, rotator, writer, reader } = await filled(new MapDriver(), 1);
    let races = 3;
    driver.interference.before = async (step) => {
      if (step === 'write' && races > 0) {
        races -= 1;
        const left = races;
        races = 0;
        await writer.store('key/0', `raced ${left}`);
        races = left;
      }
    };
    expect(await rotator.rotateKeys()).toEqual({ ...nothing, rotated: 1 });
    expect(await (await reader.retrieve('key/0')).secret.expose(String)).toBe('raced 0');
  });

  it('reports what writers never leave alone as failed, and goes on', async () => {
    const { driver, rotator, writer } = await filled(new MapDriver(), 3);
    let racing = false;
    const { write } = driver;
    driver.write = async (call, target, stored, condition) => {
      if (target.id === 'key/1' && !racing) {
        racing = true;
        await writer.store('key/1', 'raced');
        racing = false;
      }
      return write.call(driver, call, target, stored, condition);
    };
    const failed: RotationProgress[] = [];
    const report = await rotator.rotateKeys({
      onProgress: (progress) => progress.result === 'failed' && failed.push(progress),
    });
    expect(report).toEqual({ ...nothing, rotated: 2, failed: 1 });
    expect(failed).toMatchObject([{ id: 'key/1', error: { code: 'CONFLICT' } }]);
  });

  it('can be cut off, and goes on from there the next time', async () => {
    const { rotator, reader } = await filled(new MapDriver(), 30);
    const controller = new AbortController();
    const seen: RotationProgress[] = [];
    const error = await rejection(
      rotator.rotateKeys({
        signal: controller.signal,
        concurrency: 2,
        onProgress: (progress) => {
          seen.push(progress);
          if (progress.done === 10) {
            controller.abort('night is over');
          }
        },
      }),
    );
    expect(error).toMatchObject({ code: 'ABORTED', cause: 'night is over' });
    expect(seen.length).toBeLessThan(30);
    const report = await rotator.rotateKeys();
    expect(report).toMatchObject({ rotated: expect.any(Number), failed: 0 });
    expect(report.rotated + report.current).toBe(30);
    expect(report.current).toBeGreaterThanOrEqual(10);
    expect(await (await reader.retrieve('key/29')).secret.expose(String)).toBe('value 29');
  });

  it('ends nothing behind the back of its caller', async () => {
    const { driver, rotator } = await filled(new MapDriver(), 12);
    driver.interference.before = async (step) => {
      await turn();
      if (step === 'write') {
        throw new BackendError({ code: 'PERMISSION_DENIED' });
      }
    };
    expect(await rejection(rotator.rotateKeys({ concurrency: 4 }))).toMatchObject({
      code: 'PERMISSION_DENIED',
    });
    const sent = driver.requests.length;
    for (let n = 0; n < 20; n += 1) {
      await turn();
    }
    expect(driver.requests).toHaveLength(sent);
  });

  it('reports what was deleted meanwhile as gone', async () => {
    const { driver, rotator } = await filled(new MapDriver(), 3);
    driver.interference.before = (step) => {
      if (step === 'read') {
        driver.current.delete(':key/2');
      }
    };
    expect(await rotator.rotateKeys()).toEqual({ ...nothing, rotated: 2, gone: 1 });
  });

  it('reports what it cannot open as failed, leaves it as it is, and goes on', async () => {
    const { driver, provider, rotator } = await filled(new MapDriver(), 2);
    const stranger = new CredentialManager({
      provider,
      encryption: new EncryptionManager({ primary: lostKey }),
    });
    await stranger.store('foreign', 'x');
    await provider.store('junk', record('junk'));
    const untouched = () => ['foreign', 'junk'].map((id) => driver.current.get(`:${id}`));
    const states = untouched();
    const failed: RotationProgress[] = [];
    const report = await rotator.rotateKeys({
      onProgress: (progress) => progress.result === 'failed' && failed.push(progress),
    });
    expect(report).toEqual({ ...nothing, rotated: 2, failed: 2 });
    const errors = Object.fromEntries(failed.map(({ id, error }) => [id, error]));
    expect(errors['foreign']).toMatchObject({ code: 'KEY_NOT_FOUND', kid: lostKey.kid });
    expect(errors['junk']).toMatchObject({ code: 'CORRUPTED' });
    expect(untouched()).toEqual(states);
  });

  it.each(['INVALID_STATE', 'TOO_LARGE'] as const)(
    'reports one that is %s as failed, and goes on',
    async (code) => {
      const { driver, rotator } = await filled(new MapDriver(), 3);
      const { write } = driver;
      driver.write = (call, target, ...rest) =>
        target.id === 'key/1'
          ? Promise.reject(new StorageError(code, 'not this one'))
          : write.call(driver, call, target, ...rest);
      expect(await rotator.rotateKeys()).toEqual({ ...nothing, rotated: 2, failed: 1 });
    },
  );

  it('looks again where it is not known whether a write happened', async () => {
    const { driver, rotator } = await filled(new MapDriver(), 1);
    let losses = 1;
    driver.interference.after = (step) => {
      if (step === 'write' && losses > 0) {
        losses -= 1;
        throw new BackendError({ code: 'UNAVAILABLE', retryable: false });
      }
    };
    driver.interference.before = (step) => {
      if (step === 'reconcile') {
        throw new BackendError({ code: 'UNAVAILABLE', retryable: false });
      }
    };
    expect(await rotator.rotateKeys()).toEqual({ ...nothing, current: 1 });
  });

  it('says how far it has come', async () => {
    const { rotator } = await filled(new MapDriver(), 5, { scope: 'team' });
    const seen: RotationProgress[] = [];
    await rotator.rotateKeys({ onProgress: (progress) => seen.push(progress), concurrency: 1 });
    expect(seen.map(({ done }) => done)).toEqual([1, 2, 3, 4, 5]);
    expect(seen[0]).toEqual({
      id: 'key/0',
      scope: 'team',
      result: 'rotated',
      error: undefined,
      oldVersions: [],
      done: 1,
    });
  });

  it('passes on what a progress function throws, after what is under way', async () => {
    const { rotator } = await filled(new MapDriver(), 5);
    const failure = new Error('the caller is to blame');
    const onProgress = () => {
      throw failure;
    };
    expect(await rejection(rotator.rotateKeys({ onProgress }))).toBe(failure);
  });

  it.each([1, 3])('works on at most %i at a time', async (concurrency) => {
    const { driver, rotator } = await filled(new MapDriver(), 20);
    let running = 0;
    let most = 0;
    const { write } = driver;
    driver.write = async (...args) => {
      running += 1;
      most = Math.max(most, running);
      await turn();
      running -= 1;
      return write.apply(driver, args);
    };
    await rotator.rotateKeys({ concurrency });
    expect(most).toBe(concurrency);
  });
});

describe('rotateKeys on a backend without compare-and-set', () => {
  it('refuses, unless nobody else writes', async () => {
    const driver = new MapDriver({ traits: { ifRevision: false } });
    const { rotator, reader } = await filled(driver, 2);
    driver.requests.length = 0;
    expect(await rejection(rotator.rotateKeys())).toMatchObject({
      code: 'UNSUPPORTED',
      operation: 'rotateKeys',
      provider: 'map',
      remedy: expect.stringContaining('alone: true'),
    });
    expect(driver.requests).toEqual([]);
    expect(await rotator.rotateKeys({ alone: true })).toEqual({ ...nothing, rotated: 2 });
    expect(await (await reader.retrieve('key/1')).secret.expose(String)).toBe('value 1');
  });
});

describe("rotateKeys under encryption: 'provider'", () => {
  it('has nothing to rotate', async () => {
    const provider = createProvider(new VersionedDriver());
    const manager = new CredentialManager({ provider, encryption: 'provider' });
    expect(await rejection(manager.rotateKeys())).toMatchObject({ code: 'INVALID_CONFIG' });
  });

  it('fails one by one what is plain', async () => {
    const { provider, rotator } = await filled(new VersionedDriver(), 1);
    await new CredentialManager({ provider, encryption: 'provider' }).store('plain', 'x');
    expect(await rotator.rotateKeys()).toMatchObject({ rotated: 1, failed: 1 });
  });
});

describe('rotateKeys over scopes', () => {
  it('takes one, or all', async () => {
    const driver = new VersionedDriver();
    const { rotator } = await filled(driver, 2);
    for (const scope of ['a', 'b', 'c', 'd']) {
      await filled(driver, 1, { scope });
    }
    expect(await rotator.rotateKeys({ context: { scope: 'a' } })).toMatchObject({ rotated: 1, current: 0 });
    const seen: unknown[] = [];
    const report = await rotator.rotateKeys({ allScopes: true, onProgress: ({ scope }) => seen.push(scope) });
    expect(report).toMatchObject({ rotated: 5, current: 1 });
    expect(new Set(seen)).toEqual(new Set([undefined, 'a', 'b', 'c', 'd']));
  });

  it('needs a backend that can list them', async () => {
    const { rotator } = await filled(new MapDriver(), 1);
    expect(await rejection(rotator.rotateKeys({ allScopes: true }))).toMatchObject({
      code: 'UNSUPPORTED',
      operation: 'rotateKeys',
    });
  });
});

describe('rotateKeys and history', () => {
  it('reports versions that still need a retired key', async () => {
    const { rotator, writer } = await filled(new VersionedDriver(), 1);
    await writer.store('key/0', 'second');
    const seen: RotationProgress[] = [];
    const onProgress = (progress: RotationProgress) => void seen.push(progress);
    expect(await rotator.rotateKeys({ onProgress })).toMatchObject({ rotated: 1, oldVersions: 2 });
    expect(seen[0]?.oldVersions).toEqual(['1', '0']);
    expect(await rotator.rotateKeys()).toMatchObject({ current: 1, oldVersions: 2 });
    expect(await collect(rotator.versions.list('key/0'))).toHaveLength(3);
  });

  it('counts a version that cannot be read as one that may need it, not one that is gone', async () => {
    const { driver, rotator, writer } = await filled(new VersionedDriver(), 1);
    for (const value of ['one', 'two', 'three']) {
      await writer.store('key/0', value);
    }
    const { read } = driver;
    driver.read = (call, target, selector) => {
      const failures = new Map([
        ['0', 'INVALID_STATE'],
        ['1', 'NOT_FOUND'],
      ] as const);
      const code = failures.get(selector.version as '0');
      return code ? Promise.reject(new StorageError(code, 'x')) : read.call(driver, call, target, selector);
    };
    const seen: RotationProgress[] = [];
    await rotator.rotateKeys({ onProgress: (progress) => seen.push(progress) });
    expect(seen[0]?.oldVersions).toEqual(['3', '2', '0']);
  });
});

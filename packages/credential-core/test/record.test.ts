import { describe, expect, it } from '@jest/globals';
import {
  checkRecord,
  createProvider,
  createWriteId,
  type EncryptedRecord,
  isEncrypted,
  type PlainRecord,
  parseRecord,
  type StoredRecord,
  serializeRecord,
} from '../src/index.ts';
import { MapDriver, record, rejection } from './support.ts';

const date = '2026-11-24T08:00:00.000Z';
const full: EncryptedRecord = {
  v: 1,
  kind: 'value',
  writeId: createWriteId(),
  meta: {
    createdAt: date,
    lastModified: date,
    expiresAt: date,
    rotationPolicy: { intervalDays: 30 },
    tags: { team: 'a', constructor: 'b', Ä: '"\\' },
  },
  jwe: { protected: 'a', encrypted_key: 'b', iv: 'c', ciphertext: 'd', tag: 'e', aad: 'f' },
};

function codeOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return (error as { code: unknown }).code;
  }
}

describe('a record', () => {
  it('comes back as it was written, as one compact text', () => {
    const text = serializeRecord(full);
    expect(parseRecord(text)).toEqual(full);
    expect(text).toMatch(/^\{"v":1,"kind":"value","writeId":"[\w-]{22}","meta":\{.+\},"jwe":\{.+\}\}$/);
    expect(text).not.toMatch(/[\n\t]|: | "/);
    const { createdAt, expiresAt, rotationPolicy, ...meta } = full.meta;
    const least = { ...full, meta: { ...meta, tags: {} } };
    expect(parseRecord(serializeRecord(least))).toEqual(least);
  });

  it('does not carry what is no part of it', () => {
    const more = { ...full, value: 'plaintext' } as EncryptedRecord;
    expect(serializeRecord(more)).toBe(serializeRecord(full));
  });

  it('tells the two kinds of values apart', () => {
    expect(isEncrypted(full)).toBe(true);
    expect(isEncrypted({ ...full, jwe: undefined, value: new Uint8Array() } as never as PlainRecord)).toBe(
      true,
    );
    const { jwe: _jwe, ...rest } = full;
    expect(isEncrypted({ ...rest, value: new Uint8Array() })).toBe(false);
  });
});

describe('writeIds', () => {
  it('are 128 random bits in 22 characters', () => {
    const made = Array.from({ length: 1_000 }, createWriteId);
    expect(new Set(made).size).toBe(1_000);
    for (const id of made) {
      expect(Buffer.from(id, 'base64url').byteLength).toBe(16);
      expect(id).toMatch(/^[A-Za-z0-9_-]{22}$/);
    }
  });
});

describe('reading', () => {
  it.each<[string, unknown]>([
    ['a later version', { ...full, v: 2 }],
    ['version 0', { ...full, v: 0 }],
    ['a later version of another shape', { v: 2, kind: 'sealed', body: '...' }],
    ['another kind', { ...full, kind: 'key-descriptor' }],
    ['another kind of another shape', { v: 1, kind: 'chunk', part: 3 }],
  ])('%s is UNSUPPORTED_FORMAT', (_what, value) => {
    expect(codeOf(() => parseRecord(JSON.stringify(value)))).toBe('UNSUPPORTED_FORMAT');
  });

  const { jwe, meta } = full;
  it.each<[string, unknown]>([
    ['null', null],
    ['a number', 5],
    ['a string', 'plaintext'],
    ['an array', [full]],
    ['an empty object', {}],
    ['no version', { ...full, v: undefined }],
    ['a version in words', { ...full, v: '1' }],
    ['no kind', { ...full, kind: undefined }],
    ['a kind that is no text', { ...full, kind: 5 }],
    ['no writeId', { ...full, writeId: undefined }],
    ['a short writeId', { ...full, writeId: 'abc' }],
    ['a writeId of other characters', { ...full, writeId: '+'.repeat(22) }],
    ['a writeId with a line end', { ...full, writeId: `${full.writeId}\n` }],
    ['no metadata', { ...full, meta: undefined }],
    ['no last change', { ...full, meta: { ...meta, lastModified: undefined } }],
    ['a date without milliseconds', { ...full, meta: { ...meta, lastModified: '2026-11-24T08:00:00Z' } }],
    ['a date of another zone', { ...full, meta: { ...meta, expiresAt: '2026-11-24T08:00:00.000+01:00' } }],
    ['a day that is none', { ...full, meta: { ...meta, createdAt: '2026-02-30T08:00:00.000Z' } }],
    ['a date that is null', { ...full, meta: { ...meta, createdAt: null } }],
    ['an interval of half a day', { ...full, meta: { ...meta, rotationPolicy: { intervalDays: 0.5 } } }],
    ['unknown metadata', { ...full, meta: { ...meta, owner: 'x' } }],
    ['no tags', { ...full, meta: { ...meta, tags: undefined } }],
    ['tags in an array', { ...full, meta: { ...meta, tags: ['a'] } }],
    ['a tag that is a number', { ...full, meta: { ...meta, tags: { a: 1 } } }],
    ['no value', { ...full, jwe: undefined }],
    ['a value that is a text', { ...full, jwe: 'a.b.c.d.e' }],
    ['an unprotected header', { ...full, jwe: { ...jwe, unprotected: {} } }],
    ['a header of a recipient', { ...full, jwe: { ...jwe, header: {} } }],
    ['a part missing', { ...full, jwe: { ...jwe, tag: undefined } }],
    ['a part that is a number', { ...full, jwe: { ...jwe, iv: 5 } }],
    ['an unknown member', { ...full, more: 1 }],
    ['a plain value', { ...full, value: 'x' }],
  ])('%s is CORRUPTED', (_what, value) => {
    expect(codeOf(() => parseRecord(JSON.stringify(value)))).toBe('CORRUPTED');
  });

  it.each(['', '{', 'plaintext', '{"v":1', `${serializeRecord(full)}x`, '\ufeff{}'])(
    '%j is CORRUPTED',
    (text) => {
      expect(codeOf(() => parseRecord(text))).toBe('CORRUPTED');
    },
  );

  it('quotes nothing of what it refuses', () => {
    for (const text of [
      'hunter2',
      '"hunter2"',
      '{"v":"hunter2","kind":"hunter2"}',
      '{"v":1,"kind":"hunter2"}',
    ]) {
      try {
        parseRecord(text);
        throw new Error('expected a refusal');
      } catch (error) {
        expect(String(error)).not.toContain('hunter2');
      }
    }
  });

  it('does not touch any prototype', () => {
    const text = serializeRecord(full).replace('"tags":{', '"tags":{"__proto__":"polluted",');
    try {
      checkRecord(JSON.parse(text));
    } catch {
      // Refused or kept as an own key: either way
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.prototype).not.toHaveProperty('polluted');
  });
});

describe('what a caller passes as a record', () => {
  const plain = { v: 1, kind: 'value', writeId: createWriteId(), meta: record().meta } as const;
  it.each<[string, unknown, string]>([
    ['nothing', undefined, ''],
    ['null', null, ''],
    ['a text', serializeRecord(full), ''],
    ['a later version', { ...full, v: 2 }, 'v'],
    ['no writeId', { ...full, writeId: 5 }, 'writeId'],
    ['dates as Dates', { ...full, meta: { lastModified: new Date(), tags: {} } }, 'meta.lastModified'],
    ['a value that is a text', { ...plain, value: 'x' }, 'value'],
    ['both kinds of values', { ...full, value: new Uint8Array(1) }, 'jwe'],
    ['no value', plain, 'jwe'],
  ])('%s is INVALID_ARGUMENT, and nothing is sent', async (_what, value, path) => {
    const driver = new MapDriver({ traits: { plainValues: true } });
    const error = await rejection(createProvider(driver).store('a', value as StoredRecord));
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', outcome: 'not-applied', operation: 'store' });
    expect((error as { issues: { path: string }[] }).issues.map((issue) => issue.path)).toContain(path);
    expect(driver.requests).toEqual([]);
  });
});

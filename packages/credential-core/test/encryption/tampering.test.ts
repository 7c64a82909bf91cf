import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { bindingAad } from '../../src/encryption/binding.ts';
import { EncryptionKey } from '../../src/encryption/key.ts';
import { EncryptionManager } from '../../src/encryption/manager.ts';
import { CryptoError } from '../../src/errors.ts';
import { type EncryptedData, type EncryptedRecord, parseRecord, serializeRecord } from '../../src/record.ts';
import { codeOf, encryptRecord, target } from './fixture.ts';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const foreign = [
  '+',
  '/',
  '=',
  '.',
  ' ',
  '\n',
  '"',
  '\\',
  '\u0000',
  '\u00e9',
  '\u0141',
  '\ud800',
  '\u{1f600}',
];
const fields = ['protected', 'encrypted_key', 'iv', 'ciphertext', 'tag', 'aad'] as const;

const to = target('a/b', 's');
const plaintext = Buffer.from('canary-plaintext');
const smallMeta = { lastModified: '2026-07-08T09:10:11.121Z', tags: { team: 'a' } };
const primary = EncryptionKey.generate();
const retired = EncryptionKey.generate();
const manager = new EncryptionManager({ primary, retired: [retired] });
const messages: string[] = [];
let record: EncryptedRecord;

beforeAll(async () => {
  record = await encryptRecord(manager, plaintext, to, smallMeta);
});

/** The code that reading the text fails with. */
async function codeOfText(text: string): Promise<string> {
  try {
    await manager.decrypt(parseRecord(text), to);
  } catch (error) {
    if (error instanceof CryptoError) {
      messages.push(`${error.message} ${error.remedy} ${JSON.stringify(error)}`);
      return error.code;
    }
    return String(error);
  }
  return 'none';
}

function altered(field: string, value: unknown): string {
  return JSON.stringify({ ...record, jwe: { ...record.jwe, [field]: value } });
}

/** How often each code came. */
async function tally(texts: Iterable<string>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const text of texts) {
    const code = await codeOfText(text);
    counts[code] = (counts[code] ?? 0) + 1;
  }
  return counts;
}

const total = (counts: Record<string, number>): number => Object.values(counts).reduce((a, b) => a + b, 0);
const refused = ['CORRUPTED', 'DECRYPTION_FAILED'];

describe.each(fields)('an altered %s', (field) => {
  it('opens with no character replaced', async () => {
    const value = record.jwe[field];
    const texts = [...value].flatMap((character, at) => {
      const others = process.env['NEBULA_FULL']
        ? [...alphabet]
        : // One bit of the digit at a time, so that the unused trailing bits are among them.
          [1, 2, 4, 8, 16, 32].map((bit) => alphabet[alphabet.indexOf(character) ^ bit] ?? '');
      return [...others.filter((other) => other !== character), ...foreign].map((other) =>
        altered(field, value.slice(0, at) + other + value.slice(at + 1)),
      );
    });
    expect(texts.length).toBeGreaterThanOrEqual(value.length * 19);
    const counts = await tally(texts);
    expect(refused).toEqual(expect.arrayContaining(Object.keys(counts)));
    expect(total(counts)).toBe(texts.length);
  });

  it('opens with no character left out, put in or said twice', async () => {
    const value = record.jwe[field];
    const texts = Array.from({ length: value.length + 1 }, (_, at) => [
      value.slice(0, at) + value.slice(at + 1),
      ...['A', '_', '=', ' ', '\n', '\u0000', value[at] ?? 'Z'].map(
        (more) => value.slice(0, at) + more + value.slice(at),
      ),
    ])
      .flat()
      .filter((text) => text !== value)
      .map((text) => altered(field, text));
    const counts = await tally(texts);
    expect(refused).toEqual(expect.arrayContaining(Object.keys(counts)));
    expect(total(counts)).toBe(texts.length);
  });

  it('opens neither empty, cut, padded, of another type, nor absent', async () => {
    const value = record.jwe[field];
    const values = [
      '',
      value.slice(0, -1),
      `${value}=`,
      `${value}==`,
      value + value,
      1,
      true,
      null,
      [],
      {},
      [value],
    ];
    for (const other of [...values, undefined]) {
      expect(refused).toContain(await codeOfText(altered(field, other)));
    }
  });

  it('opens with no other value that decodes well', async () => {
    const { byteLength } = Buffer.from(record.jwe[field], 'base64url');
    for (const bytes of [Buffer.alloc(byteLength), Buffer.alloc(byteLength, 0xff), randomBytes(byteLength)]) {
      expect(refused).toContain(await codeOfText(altered(field, bytes.toString('base64url'))));
    }
  });
});

describe('an altered record', () => {
  it('opens with no character of its text replaced', async () => {
    const text = serializeRecord(record);
    const others = [
      '0',
      '1',
      '2',
      'a',
      'B',
      '_',
      ' ',
      '"',
      '\\',
      '{',
      '}',
      ',',
      ':',
      '\n',
      '\u0000',
      '\u00e9',
    ];
    for (let at = 0; at < text.length; at += 1) {
      for (const other of others.filter((candidate) => candidate !== text[at])) {
        const code = await codeOfText(text.slice(0, at) + other + text.slice(at + 1));
        // `"v":2` and another kind are well-formed records of another version: nothing was read of them.
        const allowed = at < text.indexOf('"writeId"') ? [...refused, 'UNSUPPORTED_FORMAT'] : refused;
        expect(allowed).toContain(code);
      }
    }
  });

  it.each(['header', 'unprotected', 'recipients', 'zip', 'kid', 'Protected', '__proto__'])(
    'opens with no further member %s beside the six',
    async (name) => {
      const jwe = JSON.stringify(record.jwe);
      const more = `${jwe.slice(0, -1)},${JSON.stringify(name)}:"x"}`;
      expect(await codeOfText(serializeRecord(record).replace(jwe, more))).toBe('CORRUPTED');
    },
  );

  it('is refused by the manager itself too, when nobody checked it before', async () => {
    const { aad, ...withoutAad } = record.jwe;
    for (const jwe of [{ ...record.jwe, header: {} }, withoutAad, { aad }, {}, null, undefined, 'text', []]) {
      expect(await codeOf(() => manager.decrypt({ ...record, jwe: jwe as never }, to))).toBe('CORRUPTED');
    }
    expect(await codeOf(() => manager.kidOf({ ...record, jwe: {} as never }))).toBe('CORRUPTED');
  });
});

describe('two envelopes', () => {
  const mixes = Array.from({ length: 62 }, (_, index) => index + 1);

  /** Fields of `b` where the mask has a bit, of `a` elsewhere. */
  function mix(a: EncryptedData, b: EncryptedData, mask: number): EncryptedData {
    const entries = fields.map((field, at) => [field, ((mask >> at) & 1) === 1 ? b[field] : a[field]]);
    return Object.fromEntries(entries) as unknown as EncryptedData;
  }

  it.each([
    ['of one key', primary],
    ['of two keys of the ring', retired],
  ])('%s open in no mixture, nor one in the place of the other', async (_, key) => {
    const other = await encryptRecord(new EncryptionManager({ primary: key }), plaintext, to, smallMeta);
    // Under one key the protected header is the same in all envelopes; taking it from the other changes nothing.
    const sameHeader = other.jwe.protected === record.jwe.protected;
    for (const mask of [...mixes, 63]) {
      if (sameHeader && mask === 1) {
        continue;
      }
      const code = await codeOf(() =>
        manager.decrypt({ ...record, jwe: mix(record.jwe, other.jwe, mask) }, to),
      );
      if (sameHeader && mask === 62) {
        expect(mix(record.jwe, other.jwe, mask)).toEqual(other.jwe);
      }
      expect(refused).toContain(code);
    }
  });

  it('one of whose keys is missing from the ring: no single field is taken over', async () => {
    const stranger = new EncryptionManager({ primary: EncryptionKey.generate() });
    const other = await encryptRecord(stranger, plaintext, to, smallMeta);
    for (const field of fields) {
      expect(refused).toContain(await codeOfText(altered(field, other.jwe[field])));
    }
  });
});

describe('a key id', () => {
  const nobody = EncryptionKey.generate();

  function renamed(kid: string): EncryptedRecord {
    const header = { alg: 'A256KW', enc: 'A256GCM', kid, typ: 'nebula-credential+jwe' };
    const text = Buffer.from(JSON.stringify(header)).toString('base64url');
    return { ...record, jwe: { ...record.jwe, protected: text } };
  }

  it('of an unknown key over an envelope of a known one is an alteration', async () => {
    expect(await codeOf(() => manager.decrypt(renamed(nobody.kid), to))).toBe('CORRUPTED');
  });

  it('stays one when more was altered beside it', async () => {
    const { jwe } = renamed(nobody.kid);
    const ciphertext = randomBytes(plaintext.byteLength).toString('base64url');
    expect(await codeOf(() => manager.decrypt({ ...record, jwe: { ...jwe, ciphertext } }, to))).toBe(
      'CORRUPTED',
    );
  });

  it('of another key of the ring does not decrypt', async () => {
    expect(await codeOf(() => manager.decrypt(renamed(retired.kid), to))).toBe('DECRYPTION_FAILED');
  });

  it('that is no thumbprint is an alteration', async () => {
    for (const kid of ['', 'key-1', `${primary.kid}=`, `${primary.kid}A`, primary.kid.slice(1)]) {
      expect(await codeOf(() => manager.decrypt(renamed(kid), to))).toBe('CORRUPTED');
    }
  });
});

describe('errors', () => {
  it('tell neither the plaintext nor a key', async () => {
    const keys = await Promise.all([primary, retired].map((key) => key.export()));
    const canaries = [plaintext.toString(), plaintext.toString('base64url')];
    for (const key of keys) {
      await key.expose((bytes) => {
        canaries.push(bytes.toString('hex'), bytes.toString('base64'), bytes.toString('base64url'));
      });
    }
    expect(messages.length).toBeGreaterThan(1_000);
    for (const message of new Set(messages)) {
      for (const canary of canaries) {
        expect(message).not.toContain(canary);
      }
    }
  });
});

it('nothing of this says anything against the record as it was written', async () => {
  expect(record.jwe.aad).toBe(bindingAad({ ...to, writeId: record.writeId, meta: smallMeta }));
  expect(await manager.decrypt(parseRecord(serializeRecord(record)), to)).toEqual(plaintext);
});

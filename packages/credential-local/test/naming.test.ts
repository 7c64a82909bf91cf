import { describe, expect, it } from '@jest/globals';
import { type CredentialId, credentialId, hashedName, type Scope } from '@nebula/credential-core';
import fc from 'fast-check';
import {
  fileName,
  idOfFile,
  isCredentialFile,
  isHashedFile,
  LONGEST_NAME,
  scopeFolder,
  scopeOfFolder,
  targetOfTemporary,
} from '../src/naming.ts';

const lettersAndMore = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.'];
const segment = fc
  .oneof(
    fc.string({ unit: fc.constantFrom(...lettersAndMore), minLength: 1, maxLength: 128 }),
    fc.constantFrom(
      'con',
      'CON',
      'Con',
      'nul.txt',
      'com1',
      'lpt9.json',
      '.hidden',
      '...',
      '-rf',
      'a.json',
      'A',
      'aA',
    ),
  )
  .filter((text) => text !== '.' && text !== '..');
const ids = fc
  .array(segment, { minLength: 1, maxLength: 5 })
  .map((segments) => segments.join('/').slice(0, 128).replace(/\/$/, ''))
  .filter((text) => !/(?:^|\/)\.{0,2}(?:\/|$)/.test(text))
  .map((text) => credentialId(text));
/** Ids that differ in little. */
const nearIds = fc
  .tuple(ids, fc.array(fc.nat(), { maxLength: 4 }))
  .map(([id, positions]) =>
    credentialId(
      [...id]
        .map((letter, index) =>
          positions.some((position) => position % id.length === index)
            ? letter === letter.toLowerCase()
              ? letter.toUpperCase()
              : letter.toLowerCase()
            : letter,
        )
        .join(''),
    ),
  );
const runs = { numRuns: process.env['NEBULA_FULL'] === '1' ? 100_000 : 2_000 };

const nameOf = (id: string, scope?: string): string =>
  fileName({ id: credentialId(id), scope: scope as Scope | undefined });

/** What a disk may take for the same name. */
const folded = (name: string): string => name.normalize('NFKD').toLowerCase().normalize('NFC');

describe('file names', () => {
  it.each([
    ['github-token', 'github-token.json'],
    ['prod/db/password', 'prod+db+password.json'],
    ['GITHUB_TOKEN', '=github_token.json'],
    ['myKey', 'my=k=ey.json'],
    ['aWS.v2/KEY', 'a=ws.=v2+=key.json'],
    ['.env', '~.env.json'],
    ['-rf', '~-rf.json'],
    ['con', '~con.json'],
    ['CON', '=con.json'],
    ['nul.txt', '~nul.txt.json'],
    ['console', 'console.json'],
    ['com0/x', 'com0+x.json'],
    ['a.', 'a..json'],
  ])('%s is %s', (id, name) => {
    expect(nameOf(id)).toBe(name);
    expect(idOfFile(name)).toBe(id);
  });

  it('hashes what is too long or looks hashed', () => {
    const long = credentialId('aB'.repeat(64));
    const shaped = credentialId(`x--${'a'.repeat(26)}`);
    for (const id of [long, shaped]) {
      const name = fileName({ id, scope: undefined });
      expect(isHashedFile(name)).toBe(true);
      expect(idOfFile(name)).toBeUndefined();
      expect(name).toBe(`${hashedName({ id, scope: undefined }, 224)}.json`);
      expect(name).not.toBe(fileName({ id, scope: 'team' as Scope }));
    }
  });

  it('finds the id again, within 240 bytes, in characters that every disk takes', () => {
    fc.assert(
      fc.property(ids, (id) => {
        const name = fileName({ id, scope: undefined });
        expect(name).toMatch(/^[a-z0-9=+~_-][a-z0-9=+~_.-]*\.json$/);
        expect(name).not.toMatch(/^(?:con|prn|aux|nul|com\d|lpt\d)\./);
        expect(Buffer.byteLength(`${name}.0123456789`)).toBeLessThanOrEqual(LONGEST_NAME);
        expect(isCredentialFile(name)).toBe(true);
        expect(idOfFile(name) ?? 'hashed').toBe(isHashedFile(name) ? 'hashed' : id);
        expect(targetOfTemporary(`${name}.0123456789`)).toBe(name);
        expect(targetOfTemporary(name)).toBeUndefined();
        expect(isCredentialFile(`${name}.0123456789`)).toBe(false);
      }),
      runs,
    );
  });

  it('gives two ids two names, on a disk without case too', () => {
    fc.assert(
      fc.property(ids, nearIds, ids, (a, b, c) => {
        for (const other of [b, c]) {
          const same = folded(nameOf(a)) === folded(nameOf(other));
          expect(same).toBe(a === other);
        }
      }),
      runs,
    );
    fc.assert(
      fc.property(
        ids.chain((id) => fc.tuple(fc.constant(id), variant(id))),
        ([a, b]) => {
          expect(folded(nameOf(a)) === folded(nameOf(b))).toBe(a === b);
        },
      ),
      runs,
    );
  });

  it('takes no other file for a credential', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'aAbB.=~+-_/@c on1json'), maxLength: 24 }), (stem) => {
        const id = idOfFile(`${stem}.json`);
        if (id !== undefined) {
          expect(nameOf(id)).toBe(`${stem}.json`);
          expect(credentialId(id)).toBe(id);
        }
      }),
      runs,
    );
    for (const name of [
      'A.json',
      'a==b.json',
      'a=.json',
      '~a.json',
      'con.json',
      'a+.json',
      '+a.json',
      '~..json',
      'a',
      '.json',
      '=a=.json',
      'notes.txt',
      'a b.json',
      'a=1.json',
    ]) {
      expect([name, isCredentialFile(name)]).toEqual([name, false]);
    }
  });
});

describe('scope folders', () => {
  it('are no names of credentials', () => {
    const scope = 'team-a' as Scope;
    expect(scopeFolder(scope)).toBe('@team-a');
    expect(scopeOfFolder('@team-a')).toBe(scope);
    expect(isCredentialFile('@team-a.json')).toBe(false);
    for (const name of ['team-a', '@Team', '@', '@-a', '@a-', `@${'a'.repeat(64)}`]) {
      expect(scopeOfFolder(name)).toBeUndefined();
    }
  });
});

/** The same id with some letters in another case. */
function variant(id: CredentialId): fc.Arbitrary<CredentialId> {
  return fc
    .array(fc.boolean(), { minLength: id.length, maxLength: id.length })
    .map((upper) =>
      credentialId(
        [...id].map((letter, index) => (upper[index] ? letter.toUpperCase() : letter.toLowerCase())).join(''),
      ),
    );
}

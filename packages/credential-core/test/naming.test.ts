import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type CredentialId,
  hasHashedShape,
  hashedName,
  type Scope,
  type Target,
  verifyHashedName,
} from '../src/index.ts';

const characters = [...'ABab01-_./'];
/** Also what no id is: the hash must not lean on validation. */
const texts = fc.string({ unit: fc.constantFrom(...characters), maxLength: 128 });
const targets: fc.Arbitrary<Target> = fc
  .tuple(texts, fc.option(texts, { nil: undefined }))
  .map(([id, scope]) => target(id, scope));
const lengths = fc.integer({ min: 32, max: 253 });

function target(id: string, scope?: string): Target {
  return { id: id as CredentialId, scope: scope as Scope | undefined };
}

describe('hashedName', () => {
  it('is a name for every id: lower case letters, digits and hyphens, within the length', () => {
    fc.assert(
      fc.property(targets, lengths, (of, maxLength) => {
        const name = hashedName(of, maxLength);
        expect(name).toMatch(/^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)?--[a-z2-7]{26}$/);
        expect(name.length).toBeLessThanOrEqual(maxLength);
        expect(hasHashedShape(name)).toBe(true);
        expect(hashedName(of, maxLength)).toBe(name);
      }),
    );
  });

  it('differs wherever id or scope differ', () => {
    fc.assert(
      fc.property(targets, targets, lengths, (one, other, maxLength) => {
        fc.pre(one.id !== other.id || one.scope !== other.scope);
        expect(hashedName(one, maxLength)).not.toBe(hashedName(other, maxLength));
      }),
    );
  });

  it('does not confuse where the scope ends and the id begins, nor none with an empty one', () => {
    const confusable = [
      target('bc', 'a'),
      target('c', 'ab'),
      target('abc'),
      target('abc', ''),
      target('', 'abc'),
      target('a/bc'),
      target('bc', 'a/'),
      target('\u0001\u0000\u0000\u0000\u0001a'),
      target('a', '\u0000\u0000\u0000\u0000'),
      target('A'),
      target('a'),
      target('a', 'a'),
    ];
    const hashes = confusable.map((of) => hashedName(of, 64).slice(-26));
    expect(new Set(hashes).size).toBe(confusable.length);
  });

  it('begins with what can be read of the id', () => {
    expect(hashedName(target('Team A/GitHub.Token_2'), 64)).toMatch(/^team-a-github-token-2--/);
    expect(hashedName(target('x'.repeat(128)), 40)).toMatch(/^x{12}--[a-z2-7]{26}$/);
    expect(hashedName(target('---'), 40)).toMatch(/^--[a-z2-7]{26}$/);
  });

  it('is the same in every release', () => {
    expect(hashedName(target('a'), 64)).toBe(NONE);
    expect(hashedName(target('a', 's'), 64)).toBe(SCOPED);
  });
});

// Computed apart from the code: printf '\0\0\0\0\0\1\0\0\0\1a' | sha256sum, and '\1\0\0\0\1s\1\0\0\0\1a'.
const NONE = 'a--mqbt6sj5pbj3ymopmpqpo2yeck';
const SCOPED = 'a--zm4s7jagy6whnme3eieqfaozpq';

describe('verifyHashedName', () => {
  it('accepts the target that the name was made of, and no other', () => {
    fc.assert(
      fc.property(targets, targets, (one, other) => {
        fc.pre(one.id !== other.id || one.scope !== other.scope);
        const name = hashedName(one, 64);
        verifyHashedName(name, one, 64);
        expect(() => verifyHashedName(name, other, 64)).toThrow(
          expect.objectContaining({ code: 'CORRUPTED' }),
        );
      }),
    );
  });
});

describe('hasHashedShape', () => {
  const hash = 'abcdefghijklmnopqrstuvwxyz'.replaceAll(/[019]/g, '2');
  it.each([
    [`a--${hash}`, true],
    [`--${hash}`, true],
    [`A-1--${hash.toUpperCase()}`, true],
    [`a-${hash}`, false],
    [`a--${hash}a`, false],
    [`a--${hash.slice(1)}`, false],
    [`a--${hash.slice(1)}1`, false],
    [`a/b--${hash}`, false],
    [`a--${hash}\n`, false],
    ['', false],
  ])('%s: %s', (name, expected) => {
    expect(hasHashedShape(name)).toBe(expected);
  });
});

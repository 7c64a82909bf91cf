import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { credentialContext, credentialId, hasCode, scope } from '../src/index.ts';

const idCharacters = [...'ABCXYZabcxyz0189-_.'];
const segment = fc
  .string({ unit: fc.constantFrom(...idCharacters), minLength: 1, maxLength: 20 })
  .filter((text) => text !== '.' && text !== '..');
const ids: fc.Arbitrary<string> = fc
  .array(segment, { minLength: 1, maxLength: 6 })
  .map((segments) => segments.join('/'));

/** What the documentation says of an id, said in another way. */
function isValid(text: string): boolean {
  return (
    text.length <= 128 &&
    text.split('/').every((part) => /^[A-Za-z0-9_.-]+$/.test(part) && !/^\.{1,2}$/.test(part))
  );
}

function codeOf(call: () => unknown): unknown {
  try {
    call();
    return 'valid';
  } catch (error) {
    return hasCode(error, 'INVALID_ARGUMENT') ? error.code : error;
  }
}

describe('credentialId', () => {
  it.each([
    'a',
    'A',
    '0',
    '-',
    '_',
    '...',
    '.a',
    'a.',
    'a/b/c',
    'a..b',
    `${'x'.repeat(128)}`,
    '-/-',
    '.a/..b/c..',
  ])('takes %s as it is', (id) => {
    expect(credentialId(id)).toBe(id);
  });

  it('takes all that is made by the rules', () => {
    fc.assert(
      fc.property(
        ids.filter(({ length }) => length <= 128),
        (id) => credentialId(id) === id,
      ),
    );
  });

  it('takes nothing else', () => {
    const near = fc.string({
      unit: fc.constantFrom(...idCharacters, '/', '.', ' ', 'ä', '\n', '%', '\\'),
      maxLength: 12,
    });
    fc.assert(
      fc.property(fc.oneof(near, fc.string({ unit: 'binary', maxLength: 140 })), (text) => {
        expect(codeOf(() => credentialId(text))).toBe(isValid(text) ? 'valid' : 'INVALID_ARGUMENT');
      }),
    );
  });

  it.each([
    '',
    'x'.repeat(129),
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    'a/./b',
    '../a',
    'a/..',
    'a b',
    'a\n',
    'a\u0000',
    'a\\b',
    'a:b',
    'a@b',
    'а', // Cyrillic
    'ａ', // full width
    'é',
    'e\u0301',
    '\ud800',
    '%2e%2e',
  ])('refuses %j', (id) => {
    expect(codeOf(() => credentialId(id))).toBe('INVALID_ARGUMENT');
  });

  it.each([
    [undefined],
    [null],
    [5],
    [['a']],
    [{ toString: () => 'a' }],
    [new String('a')],
    [Symbol('a')],
    [5n],
  ])('refuses what is no string: %p', (value) => {
    expect(codeOf(() => credentialId(value as string))).toBe('INVALID_ARGUMENT');
  });
});

describe('scope', () => {
  it.each(['a', '0', 'a-b', 'a--b', 'x'.repeat(63), '1-2'])('takes %s as it is', (value) => {
    expect(scope(value)).toBe(value);
  });

  it.each(['', 'x'.repeat(64), '-a', 'a-', '-', 'A', 'a_b', 'a.b', 'a/b', 'a\n', 'ä', '@scope', ' a'])(
    'refuses %j',
    (value) => {
      expect(codeOf(() => scope(value))).toBe('INVALID_ARGUMENT');
    },
  );
});

describe('credentialContext', () => {
  it('keeps what it knows', () => {
    const context = { scope: 'a', ownerId: 'user 7', traceId: '00-4bf92f-01' };
    expect(credentialContext(context)).toEqual(context);
    expect(credentialContext()).toEqual({});
  });
});

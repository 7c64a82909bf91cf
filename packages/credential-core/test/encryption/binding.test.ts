import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Binding, bindingAad } from '../../src/encryption/binding.ts';
import { canonicalJson } from '../../src/encryption/canonical-json.ts';
import { ValidationError } from '../../src/errors.ts';
import { meta, target } from './fixture.ts';

const text = fc.string({ unit: 'grapheme' });
/** Few letters, so that equal texts divided differently come up often. */
const crowded = fc.string({ unit: fc.constantFrom('a', '/', '\u0000', '\u0001'), maxLength: 4 });
const bindings: fc.Arbitrary<Binding> = fc.record({
  id: fc.oneof(crowded, text),
  scope: fc.option(fc.oneof(crowded, text), { nil: undefined }),
  writeId: fc.oneof(crowded, text),
  meta: fc.record(
    {
      lastModified: text,
      createdAt: text,
      rotationPolicy: fc.record({ intervalDays: fc.integer({ min: 1, max: 3_650 }) }),
      tags: fc.dictionary(fc.oneof(crowded, text, fc.stringMatching(/^\d{1,3}$/)), text),
    },
    { requiredKeys: ['lastModified', 'tags'] },
  ),
}) as never;

/** Reads a binding back; that it can be read back is why no two bindings share their bytes. */
function decode(aad: string): unknown {
  let rest = Buffer.from(aad, 'base64url');
  const parts: Buffer[] = [];
  while (rest.byteLength > 0) {
    const end = 4 + rest.readUInt32BE();
    parts.push(rest.subarray(4, end));
    rest = rest.subarray(end);
  }
  const [domain, scope, id, writeId, metadata, ...more] = parts.map(String);
  return {
    domain,
    scope: scope?.startsWith('\u0001') ? scope.slice(1) : scope === '\u0000' ? undefined : 'malformed',
    id,
    writeId,
    meta: JSON.parse(metadata ?? '') as unknown,
    more,
  };
}

describe('bindingAad', () => {
  it('has the published layout', () => {
    const bytes = bindingAad({ ...target('a/b', 's'), writeId: 'w', meta: { tags: {}, lastModified: 'x' } });
    expect(Buffer.from(bytes, 'base64url').toString('latin1')).toBe(
      '\0\0\0\x14nebula.credential.v1\0\0\0\x02\x01s\0\0\0\x03a/b\0\0\0\x01w\0\0\0\x1e{"lastModified":"x","tags":{}}',
    );
  });

  it('tells no scope from an empty one', () => {
    const common = { ...target('a'), writeId: 'w', meta };
    expect(bindingAad({ ...common, scope: '' as never })).not.toBe(bindingAad(common));
  });

  it('can be read back, whatever the parts', () => {
    fc.assert(
      fc.property(bindings, (binding) => {
        expect(decode(bindingAad(binding))).toEqual({ ...binding, domain: 'nebula.credential.v1', more: [] });
      }),
      { numRuns: 500 },
    );
  });

  it('is equal for equal bindings only, in whatever order their members are', () => {
    fc.assert(
      fc.property(bindings, bindings, (a, b) => {
        const reversed = {
          ...a,
          meta: { ...a.meta, tags: Object.fromEntries(Object.entries(a.meta.tags).reverse()) },
        };
        expect(bindingAad(reversed)).toBe(bindingAad(a));
        let equal = true;
        try {
          expect(a).toEqual(b);
        } catch {
          equal = false;
        }
        expect(bindingAad(a) === bindingAad(b)).toBe(equal);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['id', { id: '\ud800' }],
    ['id', { id: undefined }],
    ['scope', { scope: 'a\udc00' }],
    ['writeId', { writeId: '\udfff' }],
    ['meta.tags.k', { meta: { ...meta, tags: { k: '\ud800' } } }],
    ['meta.tags', { meta: { ...meta, tags: { '\ud800': 'v' } } }],
    ['meta.tags.k', { meta: { ...meta, tags: { k: null } } }],
    ['meta.tags', { meta: { ...meta, tags: ['k'] } }],
    ['meta.rotationPolicy.intervalDays', { meta: { ...meta, rotationPolicy: { intervalDays: Number.NaN } } }],
  ])('refuses what has no one encoding: %s', (path, part) => {
    const build = (): string => bindingAad({ ...target('a'), writeId: 'w', meta, ...part } as never);
    expect(build).toThrow(ValidationError);
    expect(build).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', issues: [expect.objectContaining({ path })] }),
    );
  });
});

describe('canonicalJson', () => {
  it('sorts numbers among member names as text', () => {
    expect(canonicalJson({ 9: 'a', 10: 'b', b: 'c', B: 'd', '': 'e' })).toBe(
      '{"":"e","10":"b","9":"a","B":"d","b":"c"}',
    );
  });

  it('leaves out undefined members, as JSON does', () => {
    expect(canonicalJson({ b: undefined, a: {} })).toBe('{"a":{}}');
  });

  it('is JSON of the same value', () => {
    fc.assert(
      fc.property(bindings, (binding) => {
        expect(JSON.parse(canonicalJson(binding.meta))).toEqual(binding.meta);
      }),
    );
  });
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { credentialFilter, isOpenFilter, matchesFilter } from '../src/index.ts';
import { checkPortableTags, fromRecordMeta, toRecordMeta } from '../src/metadata.ts';

const dates = fc.date({
  min: new Date('0001-01-01'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
});
const tags = fc.dictionary(fc.stringMatching(/^[A-Za-z0-9]{1,8}$/), fc.string(), { maxKeys: 5 });

describe('metadata', () => {
  it('comes back from a record as it was given', () => {
    const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
    fc.assert(
      fc.property(
        fc.record({
          createdAt: optional(dates),
          expiresAt: optional(dates),
          rotationPolicy: optional(fc.record({ intervalDays: fc.integer({ min: 1, max: 3_650 }) })),
          tags,
        }),
        dates,
        (input, lastModified) => {
          const meta = JSON.parse(JSON.stringify(toRecordMeta(input, lastModified)));
          const { createdAt, expiresAt, rotationPolicy, ...rest } = fromRecordMeta(meta, undefined);
          expect(createdAt).toEqual(input.createdAt ?? lastModified);
          expect({ expiresAt, rotationPolicy }).toEqual({
            expiresAt: input.expiresAt,
            rotationPolicy: input.rotationPolicy,
          });
          expect(rest).toEqual({ lastModified, tags: JSON.parse(JSON.stringify(input.tags)) });
        },
      ),
    );
  });

  it('leaves out what was not given', () => {
    const now = new Date();
    expect(Object.keys(toRecordMeta({}, now))).toEqual(['lastModified', 'tags']);
    expect(Object.keys(fromRecordMeta(toRecordMeta({}, now), undefined))).toEqual([
      'createdAt',
      'lastModified',
      'tags',
    ]);
  });

  it('takes the creation time of the record before that of the backend', () => {
    const [record, backend] = [new Date(1), new Date(2)];
    expect(fromRecordMeta(toRecordMeta({ createdAt: record }, new Date(3)), backend).createdAt).toEqual(
      record,
    );
    expect(fromRecordMeta(toRecordMeta({}, new Date(3)), backend).createdAt).toEqual(backend);
    expect(fromRecordMeta(toRecordMeta({}, new Date(3)), undefined).createdAt).toEqual(new Date(3));
  });
});

describe('a filter', () => {
  it('is open where nothing is asked', () => {
    expect([{}, { tags: {} }, { tags: undefined, modifiedAfter: undefined }].map(isOpenFilter)).toEqual([
      true,
      true,
      true,
    ]);
    const asking = [{ tags: { a: '' } }, { modifiedAfter: new Date(0) }, { modifiedBefore: new Date(0) }];
    expect(asking.map(isOpenFilter)).toEqual([false, false, false]);
  });

  it('lets through what has all its tags, with exactly these values', () => {
    fc.assert(
      fc.property(tags, tags, (wanted, there) => {
        const expected = Object.entries(wanted).every(([key, value]) => there[key] === value);
        expect(matchesFilter({ tags: wanted }, { tags: there })).toBe(expected);
        expect(matchesFilter({ tags: wanted }, { tags: { ...there, ...wanted } })).toBe(true);
      }),
    );
  });

  it('does not take inherited members for tags', () => {
    const inherited = Object.create({ team: 'a' }) as Record<string, string>;
    expect(matchesFilter({ tags: { team: 'a' } }, { tags: inherited })).toBe(false);
    expect(matchesFilter({ tags: { toString: 'x' } }, { tags: {} })).toBe(false);
  });

  it.each([
    [-1, false],
    [0, true],
    [1, true],
    [2, false],
    [undefined, false],
  ])('by dates: modified at %s between 0 and 2 is %s', (time, expected) => {
    const lastModified = time === undefined ? undefined : new Date(time);
    const filter = { modifiedAfter: new Date(0), modifiedBefore: new Date(2) };
    expect(matchesFilter(filter, { tags: {}, lastModified })).toBe(expected);
  });

  it('is copied: what happens to the tags given later does not matter', () => {
    const given = { team: 'a' };
    const filter = credentialFilter({ tags: given });
    given.team = 'b';
    expect(filter.tags).toEqual({ team: 'a' });
  });
});

describe("limits: 'portable'", () => {
  it('takes its maximum', () => {
    const most = Object.fromEntries(
      Array.from({ length: 8 }, (_, n) => [`${n}`.padEnd(63, 'k'), '~'.repeat(255)]),
    );
    expect(checkPortableTags(most)).toBeUndefined();
    expect(checkPortableTags({ empty: '' })).toBeUndefined();
  });

  it('reports every problem at once', () => {
    const seven = Object.fromEntries(Array.from({ length: 7 }, (_, n) => [`k${n}`, 'v']));
    const key = 'k'.repeat(64);
    expect(() => checkPortableTags({ ...seven, [key]: 'v', long: 'v'.repeat(256), umlaut: 'ä' })).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        issues: [
          { path: 'tags', message: 'must be at most 8, got 10' },
          { path: `tags.${key}`, message: 'a key must have at most 63 characters, got 64' },
          {
            path: 'tags.long',
            message: 'must be at most 255 printable ASCII characters, got a string of 256 characters',
          },
          {
            path: 'tags.umlaut',
            message: 'must be at most 255 printable ASCII characters, got a string of 1 characters',
          },
        ],
      }),
    );
  });
});

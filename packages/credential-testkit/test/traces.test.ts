import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it, jest } from '@jest/globals';
import { StorageError } from '@nebula/credential-core';
import fc from 'fast-check';
import { eavesdrop } from '../src/conformance/eavesdrop.ts';
import { exposuresOf, formsOf } from '../src/conformance/traces.ts';

const secret = Buffer.from(`canary-${randomBytes(12).toString('hex')}`);
const shows = (text: string, bytes: Uint8Array = secret): boolean =>
  formsOf(bytes).some((form) => text.includes(form));

describe('a secret is found', () => {
  it.each<[string, string]>([
    ['as text', `token=${secret}`],
    ['in hexadecimal', secret.toString('hex')],
    ['in capital hexadecimal', secret.toString('hex').toUpperCase()],
    ['in a printed Buffer', inspect(secret)],
    ['in a printed array', inspect([...secret], { breakLength: Number.POSITIVE_INFINITY, compact: true })],
    ['in a Buffer as JSON', JSON.stringify(secret)],
    ['in a URL', encodeURIComponent(`/secret/${secret}`)],
  ])('%s', (_form, text) => {
    expect(shows(text)).toBe(true);
  });

  it('in base64 of either alphabet, whatever stands before and behind it', () => {
    const bytes = fc.uint8Array({ maxLength: 9 });
    const property = fc.property(
      bytes,
      fc.uint8Array({ minLength: 8, maxLength: 40 }),
      bytes,
      (before, mark, after) => {
        const whole = Buffer.concat([before, mark, after]);
        expect(shows(whole.toString('base64'), mark)).toBe(true);
        expect(shows(whole.toString('base64url'), mark)).toBe(true);
      },
    );
    fc.assert(property);
  });

  it.each<[string, unknown]>([
    ['the cause of a cause', new Error('a', { cause: new Error('b', { cause: new Error(String(secret)) }) })],
    [
      'a field of an error',
      Object.assign(new StorageError('UNAVAILABLE', 'x'), { request: { body: secret } }),
    ],
    [
      'a field that is not enumerable',
      Object.defineProperty(new Error('x'), 'config', { value: String(secret) }),
    ],
    ['a field deep down', { a: { b: { c: { d: { e: { f: String(secret) } } } } } }],
    [
      'a getter',
      {
        get token() {
          return String(secret);
        },
      },
    ],
    ['a stack', Object.assign(new Error('x'), { stack: `at ${secret}` })],
    ['a map', new Map([['token', String(secret)]])],
    ['behind a custom inspect', { token: String(secret), [inspect.custom]: () => 'hidden' }],
    ['behind a toJSON', { toJSON: () => String(secret) }],
  ])('in %s', (_place, value) => {
    expect(shows(exposuresOf(value))).toBe(true);
  });

  it('in what is printed and warned about', async () => {
    const debug = jest.spyOn(console, 'debug').mockReturnValue();
    const { warn } = console;
    const heard = await eavesdrop(async () => {
      console.debug('%s', secret.toString('base64'));
      process.emitWarning(secret.toString('hex'));
    });
    expect(heard.filter((text) => shows(text))).toHaveLength(2);
    expect(console.warn).toBe(warn);
    debug.mockRestore();
  });
});

describe('no secret is found', () => {
  it('where there is none', () => {
    const others = [new Error('x'), new StorageError('UNAVAILABLE', 'x'), { a: [1, 2, 3] }, randomBytes(64)];
    expect(others.filter((value) => shows(exposuresOf(value)))).toEqual([]);
  });
});

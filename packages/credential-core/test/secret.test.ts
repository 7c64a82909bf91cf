import { format, formatWithOptions, inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { Secret } from '../src/index.ts';
import { rejection, turn } from './support.ts';

const canary = 'hunter2-canary';

describe('a Secret', () => {
  it.each<[string, (secret: Secret) => unknown]>([
    ['String()', String],
    ['a template', (secret) => `${secret}`],
    ['concatenation', (secret) => 'key='.concat(secret as unknown as string)],
    ['a number', Number],
    ['JSON', (secret) => JSON.stringify({ nested: [secret] })],
    ['inspect', (secret) => inspect({ nested: { secret } }, { depth: 9 })],
    ['inspect with all that is hidden', (secret) => inspect(secret, { showHidden: true, getters: true })],
    ['inspect without its own', (secret) => inspect(secret, { customInspect: false, showHidden: true })],
    ['what console.log does', (secret) => format('%s %o %O %j %d', secret, secret, secret, secret, secret)],
    ['with colours', (secret) => formatWithOptions({ colors: true }, '%O', secret)],
    ['entries', (secret) => Object.entries(secret).flat()],
    ['own keys', (secret) => Reflect.ownKeys(secret)],
    ['a spread', (secret) => JSON.stringify({ ...secret })],
    ['structuredClone', (secret) => inspect(structuredClone(secret), { showHidden: true })],
    ['the message of an error', (secret) => new Error(`no ${secret}`).message],
  ])('does not show itself in %s', (_where, show) => {
    const secret = Secret.from(canary);
    const shown = String(show(secret));
    expect(shown).not.toContain('hunter2');
    expect(shown).not.toContain(Buffer.from(canary).toString('hex').slice(0, 12));
    expect(shown).not.toContain('104, 117, 110');
  });

  it('says that something is withheld', () => {
    const secret = Secret.from(canary);
    expect([String(secret), JSON.stringify(secret), inspect(secret)]).toEqual([
      '[redacted]',
      '"[redacted]"',
      'Secret([redacted])',
    ]);
  });

  it('gives back what it was made from', async () => {
    const text = 'Grüße 🔑\u0000';
    expect(await Secret.from(text).expose(String)).toBe(text);
    expect(await Secret.from('').expose((bytes) => bytes.byteLength)).toBe(0);
    const bytes = Uint8Array.of(0, 255, 128, 10);
    expect([...(await Secret.from(bytes).expose((exposed) => Uint8Array.from(exposed)))]).toEqual([...bytes]);
    expect(Secret.from(text).size).toBe(Buffer.byteLength(text));
  });

  it('copies: what happens to the original later does not matter', async () => {
    const bytes = Buffer.from(canary);
    const secret = Secret.from(bytes);
    bytes.fill(0);
    expect(await secret.expose(String)).toBe(canary);
  });

  it('has memory of its own, not of the shared pool', async () => {
    for (const secret of [Secret.from(canary), Secret.from(Buffer.from(canary))]) {
      const [length, offset] = await secret.expose(({ buffer, byteOffset }) => [
        buffer.byteLength,
        byteOffset,
      ]);
      expect([length, offset]).toEqual([secret.size, 0]);
    }
  });

  it.each([
    ['a lone surrogate', '\ud800', 'well-formed Unicode'],
    ['a number', 5, 'got 5'],
    ['null', null, 'got null'],
    ['an object', { toString: () => canary }, 'got an object (Object)'],
    ['an ArrayBuffer', new ArrayBuffer(4), 'got an object (ArrayBuffer)'],
  ])('is not made from %s', (_what, value, message) => {
    expect(() => Secret.from(value as string)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) }),
    );
  });
});

describe('expose', () => {
  it('awaits what it is given', async () => {
    const order: string[] = [];
    await Secret.from(canary).expose(async () => {
      await turn();
      order.push('inside');
    });
    order.push('after');
    expect(order).toEqual(['inside', 'after']);
  });

  it('passes a failure on, synchronous or not', async () => {
    const secret = Secret.from(canary);
    const failure = new Error('x');
    expect(await rejection(secret.expose(() => Promise.reject(failure)))).toBe(failure);
    const thrower = () => {
      throw failure;
    };
    expect(await rejection(secret.expose(thrower))).toBe(failure);
    expect(await secret.expose(String)).toBe(canary);
  });

  it('after dispose is refused', async () => {
    const secret = Secret.from(canary);
    secret.dispose();
    expect(secret.disposed).toBe(true);
    expect(await rejection(secret.expose(String))).toMatchObject({ code: 'INVALID_ARGUMENT' });
    secret.dispose();
  });
});

describe('dispose', () => {
  it('zeroes the bytes', async () => {
    const secret = Secret.from(canary);
    const kept = await secret.expose((bytes) => bytes);
    expect(kept.toString()).toBe(canary);
    secret.dispose();
    expect(kept.every((byte) => byte === 0)).toBe(true);
  });

  it('while exposed zeroes them as soon as the last one ends', async () => {
    const secret = Secret.from(canary);
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let bytes: Buffer = Buffer.alloc(0);
    const exposures = gates.map((gate) =>
      secret.expose(async (exposed) => {
        bytes = exposed;
        await gate.promise;
        return exposed.toString();
      }),
    );
    secret.dispose();
    expect(secret.disposed).toBe(true);
    gates[0]?.resolve();
    expect(await exposures[0]).toBe(canary);
    expect(bytes.toString()).toBe(canary);
    gates[1]?.resolve();
    expect(await exposures[1]).toBe(canary);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('happens at the end of a `using` block', async () => {
    let kept: Buffer = Buffer.alloc(0);
    {
      using secret = Secret.from(canary);
      kept = await secret.expose((bytes) => bytes);
      expect(kept.toString()).toBe(canary);
    }
    expect(kept.every((byte) => byte === 0)).toBe(true);
  });

  it('of an exposure that fails zeroes too', async () => {
    const secret = Secret.from(canary);
    let kept: Buffer = Buffer.alloc(0);
    const exposure = secret.expose(async (bytes) => {
      kept = bytes;
      await turn();
      throw new Error('x');
    });
    secret.dispose();
    await rejection(exposure);
    expect(kept.every((byte) => byte === 0)).toBe(true);
  });
});

describe('a Secret of another copy of this package', () => {
  it('is recognised', async () => {
    const copy = (await import(`../src/secret.ts${'?copy'}`)) as typeof import('../src/secret.ts');
    expect(copy.Secret).not.toBe(Secret);
    expect(copy.Secret.from(canary) instanceof Secret).toBe(true);
    for (const other of [canary, null, {}, Buffer.from(canary)]) {
      expect((other as unknown) instanceof Secret).toBe(false);
    }
  });
});

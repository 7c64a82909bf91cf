import * as crypto from 'node:crypto';
import { describe, expect, it, jest } from '@jest/globals';

/** Every buffer that held a content key: as it was drawn, and as it was unwrapped. */
const contentKeys: Buffer[] = [];

jest.unstable_mockModule('node:crypto', () => ({
  ...crypto,
  randomBytes: (size: number) => {
    const bytes = crypto.randomBytes(size);
    if (size === 32) {
      contentKeys.push(bytes);
    }
    return bytes;
  },
  createDecipheriv: (...args: Parameters<typeof crypto.createDecipheriv>) => {
    const decipher = crypto.createDecipheriv(...args);
    if (args[0] === 'id-aes256-wrap') {
      const update = decipher.update.bind(decipher) as (data: Buffer) => Buffer;
      decipher.update = ((data: Buffer) => {
        const bytes = update(data);
        contentKeys.push(bytes);
        return bytes;
      }) as never;
    }
    return decipher;
  },
}));

const { isWrappedBy, open, parseEnvelope, seal } = await import('../../src/encryption/jwe.ts');

describe('content keys', () => {
  it('are overwritten after use, also after a failure', () => {
    const kek = crypto.generateKeySync('aes', { length: 256 });
    const jwe = seal(Buffer.from('value'), kek, 'kid', 'YWFk');
    const envelope = parseEnvelope(jwe);
    expect(open(envelope, kek, 'YWFk').toString()).toBe('value');
    expect(() => open({ ...envelope, tag: Buffer.alloc(16) }, kek, 'YWFk')).toThrow(
      expect.objectContaining({ code: 'DECRYPTION_FAILED' }),
    );
    expect(isWrappedBy(envelope, kek)).toBe(true);
    expect(contentKeys).toEqual(Array.from({ length: 4 }, () => Buffer.alloc(32)));
  });
});

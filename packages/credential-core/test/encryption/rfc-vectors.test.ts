import * as crypto from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { argon2id as nobleArgon2id } from '@noble/hashes/argon2.js';
import { calculateJwkThumbprint } from 'jose';
import { canonicalJson } from '../../src/encryption/canonical-json.ts';
import { decryptContent, encryptContent } from '../../src/encryption/content-encryption.ts';
import { unwrapKey, wrapKey } from '../../src/encryption/key-wrap.ts';
import { thumbprint } from '../../src/encryption/thumbprint.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const base64url = (text: string): Buffer => Buffer.from(text, 'base64url');

describe('RFC 3394 section 4.6: 256 bits of key data with a 256-bit KEK (what A256KW of RFC 7518 section 4.4 is)', () => {
  const kek = crypto.createSecretKey(
    hex('000102030405060708090A0B0C0D0E0F 101112131415161718191A1B1C1D1E1F'),
  );
  const keyData = hex('00112233445566778899AABBCCDDEEFF 000102030405060708090A0B0C0D0E0F');
  const wrapped = hex('28C9F404C4B810F4 CBCCB35CFB87F826 3F5786E2D80ED326 CBC7F0E71A99F43B FB988B9B7A02DD21');

  it('wraps', () => {
    expect(wrapKey(keyData, kek)).toEqual(wrapped);
  });

  it('unwraps', () => {
    expect(unwrapKey(wrapped, kek)).toEqual(keyData);
  });

  it('refuses every altered bit and another key', () => {
    for (let bit = 0; bit < wrapped.byteLength * 8; bit += 1) {
      const altered = Buffer.from(wrapped);
      altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(unwrapKey(altered, kek)).toBeUndefined();
    }
    expect(unwrapKey(wrapped, crypto.createSecretKey(keyData))).toBeUndefined();
  });
});

// Of the examples of RFC 7516 appendix A, A.1 encrypts its content with A256GCM; its key management is RSA-OAEP, and
// A.2 to A.5 are AES-CBC with 128-bit key wrap, so that nothing more of them applies. RFC 7518 has no A256GCM vector.
describe('RFC 7516 appendix A.1: content encryption with A256GCM', () => {
  const contentKey = Buffer.from([
    177, 161, 244, 128, 84, 143, 225, 115, 63, 180, 3, 255, 107, 154, 212, 246, 138, 7, 110, 91, 112, 46, 34,
    105, 47, 130, 203, 46, 122, 234, 64, 252,
  ]);
  const iv = Buffer.from([227, 197, 117, 252, 2, 219, 233, 68, 180, 225, 77, 219]);
  const additionalData = Buffer.from('eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ', 'ascii');
  const plaintext = Buffer.from('The true sign of intelligence is not knowledge but imagination.');
  const sealed = {
    ciphertext: base64url(
      '5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A',
    ),
    tag: base64url('XFBoMYUZodetZdvTiFvSkQ'),
  };

  it('encrypts', () => {
    expect(encryptContent(plaintext, contentKey, iv, additionalData)).toEqual(sealed);
  });

  it('decrypts', () => {
    expect(decryptContent(sealed, contentKey, iv, additionalData)).toEqual(plaintext);
  });
});

describe('RFC 7638: thumbprint of a symmetric key', () => {
  it('is the one that jose computes', async () => {
    for (const bytes of [Buffer.alloc(32), Buffer.alloc(32, 0xff), crypto.randomBytes(32)]) {
      const jwk = { kty: 'oct', k: bytes.toString('base64url') };
      expect(thumbprint(bytes)).toBe(await calculateJwkThumbprint(jwk, 'sha256'));
    }
  });
});

describe('RFC 8785: what metadata can hold', () => {
  it('sorts members as section 3.2.3 does', () => {
    const sample: unknown = JSON.parse(String.raw`{
      "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"
    }`);
    expect(canonicalJson(sample).match(/(?<=:")[^"]+/g)).toEqual([
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ]);
  });

  it('writes strings and numbers as section 3.2.2 does', () => {
    const sample: unknown = JSON.parse(String.raw`{
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "a": 333333333.33333329, "b": 1E30, "c": 4.50, "d": 2e-3, "e": 0.000000000000000000000000001, "f": -0
    }`);
    expect(canonicalJson(sample)).toBe(
      String.raw`{"a":333333333.3333333,"b":1e+30,"c":4.5,"d":0.002,"e":1e-27,"f":0,"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });
});

// Our routes to Argon2id take neither secret nor associated data, which this vector has; that both routes give the
// bytes that these two implementations give is argon2.test.ts.
describe('RFC 9106 section 5.3: Argon2id, of both implementations in use', () => {
  const message = Buffer.alloc(32, 1);
  const salt = Buffer.alloc(16, 2);
  const secret = Buffer.alloc(8, 3);
  const associatedData = Buffer.alloc(12, 4);
  const tag = hex('0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659');

  it('node:crypto, where it has it', () => {
    const computed =
      typeof crypto.argon2Sync === 'function'
        ? crypto.argon2Sync('argon2id', {
            message,
            nonce: salt,
            secret,
            associatedData,
            memory: 32,
            passes: 3,
            parallelism: 4,
            tagLength: 32,
          })
        : 'absent';
    expect([tag, 'absent']).toContainEqual(computed);
    expect(computed === 'absent').toBe(Number(process.versions.node.split('.')[0]) < 24);
  });

  it('@noble/hashes', () => {
    const options = { m: 32, t: 3, p: 4, dkLen: 32, key: secret, personalization: associatedData };
    expect(Buffer.from(nobleArgon2id(message, salt, options))).toEqual(tag);
  });
});

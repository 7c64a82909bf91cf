import { isAscii, isUtf8 } from 'node:buffer';
import { createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { ValidationError } from '../errors.ts';
import { Secret } from '../secret.ts';
import { integerSchema, invalidArgument, optionsSchema, parseWith, shapeOf } from '../validation.ts';
import { type Argon2Cost, argon2id } from './argon2.ts';
import { decodeBase64url } from './base64url.ts';
import { thumbprint } from './thumbprint.ts';

/** Cost of deriving a key; more is slower for a guesser and for the application alike. */
export interface PassphraseParameters {
  /** Memory in KiB, 19,456 to 1,048,576. Default 65,536. */
  readonly m?: number | undefined;
  /** Passes over the memory, 2 to 10. Default 3. */
  readonly t?: number | undefined;
  /** Lanes, 1 to 4. Default 1. */
  readonly p?: number | undefined;
}

/** How a passphrase becomes a key, by Argon2id (RFC 9106). Holds no secret. */
export interface PassphraseDescriptor {
  /** Id of the key that the right passphrase gives. */
  readonly kid: string;
  /** 16 random bytes, base64url. */
  readonly salt: string;
  /** Memory in KiB. */
  readonly m: number;
  /** Passes over the memory. */
  readonly t: number;
  /** Lanes. */
  readonly p: number;
}

const m = integerSchema(19_456, 1_048_576, 'KiB of memory');
const t = integerSchema(2, 10, 'passes');
const p = integerSchema(1, 4, 'lanes');

const parametersSchema: v.GenericSchema<unknown, Argon2Cost> = optionsSchema({
  m: v.optional(m, 65_536),
  t: v.optional(t, 3),
  p: v.optional(p, 1),
}) as never;

const descriptorSchema: v.GenericSchema<unknown, PassphraseDescriptor> = optionsSchema({
  kid: base64urlSchema(32),
  salt: base64urlSchema(16),
  m,
  t,
  p,
}) as never;

function base64urlSchema(length: number): v.GenericSchema<string, string> {
  return v.custom<string>(
    (value) => decodeBase64url(value)?.byteLength === length,
    (issue) => `must be base64url of ${length} bytes, without padding, got ${shapeOf(issue.input)}`,
  );
}

/**
 * Makes the descriptor of a new passphrase key, with a salt of its own. Make it once and keep it: without it the
 * passphrase opens nothing.
 * @param passphrase - text of at least 8 characters; a Secret's bytes are taken as UTF-8.
 * @throws ValidationError INVALID_ARGUMENT
 */
export async function createPassphraseDescriptor(
  passphrase: string | Secret,
  parameters: PassphraseParameters = {},
): Promise<PassphraseDescriptor> {
  const cost = parseWith(parametersSchema, parameters, 'INVALID_ARGUMENT', 'passphrase parameters');
  const salt = randomBytes(16).toString('base64url');
  const { kid } = await deriveOnce(await passphraseBytes(passphrase), { salt, ...cost });
  return { kid, salt, ...cost };
}

/**
 * Checks a descriptor.
 * @throws ValidationError INVALID_CONFIG
 */
export function passphraseDescriptor(value: PassphraseDescriptor): PassphraseDescriptor {
  return parseWith(descriptorSchema, value, 'INVALID_CONFIG', 'passphrase descriptor');
}

/**
 * The key that a passphrase and its descriptor give.
 * @throws ValidationError INVALID_ARGUMENT for what cannot be a passphrase, INVALID_CONFIG for the wrong one.
 */
export async function unlock(
  passphrase: string | Secret,
  descriptor: PassphraseDescriptor,
): Promise<KeyObject> {
  return (await deriveOnce(await passphraseBytes(passphrase), descriptor)).key;
}

/** The key of a (passphrase, descriptor) and its id. */
interface DerivedKey {
  readonly kid: string;
  readonly key: KeyObject;
}

/** One entry for each pair that this process was configured with; kept, so that none is ever derived twice. */
const derivations = new Map<string, Promise<DerivedKey>>();
/** So that a fingerprint of a passphrase tells nothing outside of this process. */
const fingerprintKey = randomBytes(32);

/** Shares the derivation of everyone who asks for the same, and zeroes the bytes when it is done. */
async function deriveOnce(
  passphrase: Uint8Array,
  { kid, salt, m, t, p }: Omit<PassphraseDescriptor, 'kid'> & { readonly kid?: string },
): Promise<DerivedKey> {
  const fingerprint = createHmac('sha256', fingerprintKey)
    .update(`${salt} ${m} ${t} ${p} `)
    .update(passphrase)
    .digest('base64url');
  try {
    const derivation = derivations.get(fingerprint) ?? derive(passphrase, salt, { m, t, p });
    derivations.set(fingerprint, derivation);
    const derived = await derivation;
    if (kid !== undefined && kid !== derived.kid) {
      throw new ValidationError('INVALID_CONFIG', 'the passphrase does not belong to this descriptor', {
        remedy: `Configure the passphrase of key ${kid}, or the descriptor that was made for this one.`,
      });
    }
    return derived;
  } catch (error) {
    derivations.delete(fingerprint);
    throw error;
  } finally {
    passphrase.fill(0);
  }
}

async function derive(passphrase: Uint8Array, salt: string, cost: Argon2Cost): Promise<DerivedKey> {
  const bytes = await argon2id(passphrase, Buffer.from(salt, 'base64url'), cost).catch((cause: unknown) => {
    throw new ValidationError('INVALID_CONFIG', `deriving a key with ${cost.m} KiB of memory failed`, {
      remedy: 'Give the process more memory, or make a descriptor with a smaller m.',
      cause,
    });
  });
  try {
    return { kid: thumbprint(bytes), key: createSecretKey(bytes) };
  } finally {
    bytes.fill(0);
  }
}

const minLength = 8;

/**
 * Refuses at once what cannot be a passphrase, without opening a Secret.
 * @throws ValidationError INVALID_ARGUMENT
 */
export function checkPassphrase(passphrase: string | Secret): void {
  if (typeof passphrase === 'string') {
    textBytes(passphrase).fill(0);
  } else if (!(passphrase instanceof Secret)) {
    throw passphraseError(shapeOf(passphrase));
  }
}

/**
 * The bytes to derive from, in memory of their own for the caller to zero: UTF-8 in Unicode normalization form C,
 * because keyboards and systems write the same text in different forms. White space counts.
 */
async function passphraseBytes(passphrase: string | Secret): Promise<Uint8Array> {
  checkPassphrase(passphrase);
  if (typeof passphrase === 'string') {
    return textBytes(passphrase);
  }
  return await passphrase.expose((bytes) => {
    if (!isUtf8(bytes)) {
      throw passphraseError(`${bytes.byteLength} bytes that are not UTF-8`);
    }
    // ASCII is in form C already, and need not become a string, which cannot be zeroed.
    return isAscii(bytes) ? longEnough(Uint8Array.from(bytes)) : textBytes(bytes.toString());
  });
}

function textBytes(text: string): Uint8Array {
  if (!text.isWellFormed()) {
    throw passphraseError('a string with lone surrogates');
  }
  return longEnough(new TextEncoder().encode(text.normalize('NFC')));
}

function longEnough(bytes: Uint8Array): Uint8Array {
  const characters = bytes.reduce((count, byte) => count + ((byte & 0xc0) === 0x80 ? 0 : 1), 0);
  if (characters < minLength) {
    bytes.fill(0);
    throw passphraseError(`${characters}`);
  }
  return bytes;
}

function passphraseError(got: string): ValidationError {
  return invalidArgument('passphrase', `must be text of at least ${minLength} characters, got ${got}`);
}

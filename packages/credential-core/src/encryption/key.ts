import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import * as v from 'valibot';
import { ValidationError } from '../errors.ts';
import { Secret } from '../secret.ts';
import { invalidArgument, optionsSchema, parseWith, shapeOf } from '../validation.ts';
import { createKeyFile, keyFileExists, readKeyFile } from './key-file.ts';
import { checkPassphrase, type PassphraseDescriptor, passphraseDescriptor, unlock } from './passphrase.ts';
import { thumbprint } from './thumbprint.ts';

const keyLength = 32;

const fileSchema: v.GenericSchema<unknown, { readonly create?: boolean }> = optionsSchema({
  create: v.optional(v.boolean((issue) => `must be true or false, got ${shapeOf(issue.input)}`)),
}) as never;

/** The key itself, for this package alone; of a passphrase key, derived now if it was not yet. */
export let keyObjectOf: (key: EncryptionKey) => KeyObject | Promise<KeyObject>;

/**
 * A key-encryption key of 256 bits and its public name. Immutable; printing and serialising it show the name only.
 */
export class EncryptionKey {
  static {
    keyObjectOf = (key) => key.#keyObject();
    Object.defineProperty(EncryptionKey.prototype, inspect.custom, {
      value(this: EncryptionKey) {
        return this.toString();
      },
    });
  }

  /** RFC 7638 thumbprint of the key (SHA-256, base64url). No secret: it stands in every record made with the key. */
  readonly kid: string;
  #material: KeyObject | Promise<KeyObject> | (() => Promise<KeyObject>);

  private constructor(kid: string, material: KeyObject | (() => Promise<KeyObject>)) {
    this.kid = kid;
    this.#material = material;
  }

  /** A new random key. */
  static generate(): EncryptionKey {
    return EncryptionKey.#consume(randomBytes(keyLength));
  }

  /**
   * A key of exactly 32 bytes; they are copied.
   * @throws ValidationError INVALID_ARGUMENT
   */
  static async fromBytes(bytes: Uint8Array | Secret): Promise<EncryptionKey> {
    if (bytes instanceof Secret) {
      return await bytes.expose((exposed) => EncryptionKey.fromBytes(exposed));
    }
    if (!(bytes instanceof Uint8Array) || bytes.byteLength !== keyLength) {
      const got = bytes instanceof Uint8Array ? `${bytes.byteLength} bytes` : shapeOf(bytes);
      throw invalidArgument('key', `must be exactly ${keyLength} bytes, got ${got}`);
    }
    return EncryptionKey.#consume(Buffer.alloc(keyLength).fill(bytes));
  }

  /**
   * A key of 32 bytes in base64, of either alphabet, with or without padding; white space around it is ignored.
   * @throws ValidationError INVALID_ARGUMENT
   */
  static async fromBase64(text: string | Secret): Promise<EncryptionKey> {
    if (text instanceof Secret) {
      return await text.expose((bytes) => EncryptionKey.fromBase64(bytes.toString('latin1')));
    }
    const bytes = typeof text === 'string' ? decodeKey(text) : undefined;
    if (bytes === undefined) {
      throw invalidArgument('key', `must be ${base64Form}, got ${shapeOf(text)}`);
    }
    return EncryptionKey.#consume(bytes);
  }

  /**
   * Reads a key file: base64 text or 32 raw bytes. On POSIX systems it must belong to this process's user and be
   * closed to everyone else (mode 0600 or less).
   * @param options - `create`: makes the file, with a new random key, where there is none. A key that was lost is not
   * brought back by this: what it encrypted is KEY_NOT_FOUND under the new one.
   * @throws ValidationError INVALID_CONFIG; its remedy holds the command to run.
   */
  static async fromFile(path: string, options: { readonly create?: boolean } = {}): Promise<EncryptionKey> {
    const { create = false } = parseWith(fileSchema, options, 'INVALID_ARGUMENT', 'options');
    if (create && !(await keyFileExists(path))) {
      try {
        return await EncryptionKey.createFile(path);
      } catch (error) {
        // Another process may have been first; its key is the one to use.
        if (!(await keyFileExists(path))) {
          throw error;
        }
      }
    }
    const content = await readKeyFile(path);
    try {
      const bytes =
        content.byteLength === keyLength
          ? Buffer.alloc(keyLength).fill(content)
          : decodeKey(content.toString('latin1'));
      if (bytes === undefined) {
        throw new ValidationError(
          'INVALID_CONFIG',
          `key file ${path} must hold ${keyLength} raw bytes or ${base64Form}`,
        );
      }
      return EncryptionKey.#consume(bytes);
    } finally {
      content.fill(0);
    }
  }

  /**
   * Makes a new random key and keeps it in a new file of mode 0600, as base64; on disk when this resolves.
   * @throws ValidationError INVALID_CONFIG, also when there is such a file: it is never overwritten.
   */
  static async createFile(path: string): Promise<EncryptionKey> {
    const bytes = randomBytes(keyLength);
    await createKeyFile(path, `${bytes.toString('base64')}\n`);
    return EncryptionKey.#consume(bytes);
  }

  /**
   * A key from an environment variable that holds it in base64.
   * @throws ValidationError INVALID_CONFIG; INVALID_ARGUMENT for what cannot be a variable's name.
   */
  static fromEnvironment(name: string): EncryptionKey {
    // Not shown: it may be the key, given by mistake.
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw invalidArgument('name', `must be the name of an environment variable, got ${shapeOf(name)}`);
    }
    const text = process.env[name];
    if (text === undefined || text === '') {
      throw new ValidationError('INVALID_CONFIG', `environment variable ${name} is not set`, {
        remedy: `Set it to ${base64Form}, as made by: openssl rand -base64 32`,
      });
    }
    const bytes = decodeKey(text);
    if (bytes === undefined) {
      throw new ValidationError(
        'INVALID_CONFIG',
        `environment variable ${name} must be ${base64Form}, got ${shapeOf(text)}`,
      );
    }
    return EncryptionKey.#consume(bytes);
  }

  /**
   * A key from a passphrase and the descriptor made for it. It is derived when first used, once a process, off the
   * event loop; a Secret must last until then. The wrong passphrase shows then too, as INVALID_CONFIG.
   * @throws ValidationError INVALID_ARGUMENT, INVALID_CONFIG
   */
  static fromPassphrase(passphrase: string | Secret, descriptor: PassphraseDescriptor): EncryptionKey {
    const checked = passphraseDescriptor(descriptor);
    checkPassphrase(passphrase);
    return new EncryptionKey(checked.kid, () => unlock(passphrase, checked));
  }

  /** Takes over bytes that nobody else holds, and zeroes them. */
  static #consume(bytes: Buffer): EncryptionKey {
    try {
      return new EncryptionKey(thumbprint(bytes), createSecretKey(bytes));
    } finally {
      bytes.fill(0);
    }
  }

  /**
   * The 32 bytes, for a backup.
   * @throws ValidationError INVALID_CONFIG for the wrong passphrase.
   */
  async export(): Promise<Secret> {
    const bytes = (await this.#keyObject()).export();
    try {
      return Secret.from(bytes);
    } finally {
      bytes.fill(0);
    }
  }

  toString(): string {
    return `EncryptionKey(${this.kid})`;
  }

  toJSON(): { readonly kid: string } {
    return { kid: this.kid };
  }

  #keyObject(): KeyObject | Promise<KeyObject> {
    const material = this.#material;
    if (typeof material !== 'function') {
      return material;
    }
    // With the function goes the passphrase; a failure brings it back, for another try.
    const derivation = material();
    this.#material = derivation.then(
      (key) => {
        this.#material = key;
        return key;
      },
      (error: unknown) => {
        this.#material = material;
        throw error;
      },
    );
    return this.#material;
  }
}

const base64Form = `base64 of exactly ${keyLength} bytes`;

/** The key in memory of its own, for the caller to zero. */
function decodeKey(text: string): Buffer | undefined {
  const [, digits] = /^\s*([A-Za-z0-9+/_-]{43})=?\s*$/.exec(text) ?? [];
  if (digits === undefined) {
    return undefined;
  }
  const bytes = Buffer.alloc(keyLength);
  bytes.write(digits, 'base64');
  // The last digit has two bits to spare: set ones are a typing error.
  const canonical = digits.replaceAll('+', '-').replaceAll('/', '_');
  return bytes.toString('base64url') === canonical ? bytes : undefined;
}

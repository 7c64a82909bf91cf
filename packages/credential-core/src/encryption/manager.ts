import * as v from 'valibot';
import type { Target } from '../driver.ts';
import { CryptoError, ValidationError } from '../errors.ts';
import type { EncryptedData, EncryptedRecord } from '../record.ts';
import { invalidArgument, optionsSchema, parseWith, shapeOf } from '../validation.ts';
import { type Binding, bindingAad } from './binding.ts';
import { type Envelope, isWrappedBy, open, parseEnvelope, protectedHeader, readKid, seal } from './jwe.ts';
import { EncryptionKey, keyObjectOf } from './key.ts';

/** The keys that an application works with. */
export interface EncryptionOptions {
  /** Encrypts what is written, and decrypts. */
  readonly primary: EncryptionKey;
  /** Decrypt what earlier primary keys wrote. */
  readonly retired?: readonly EncryptionKey[] | undefined;
}

const keySchema = v.custom<EncryptionKey>(
  (value) => value instanceof EncryptionKey,
  (issue) => `must be an EncryptionKey, got ${shapeOf(issue.input)}`,
);

const schema: v.GenericSchema<unknown, EncryptionOptions> = optionsSchema({
  primary: keySchema,
  retired: v.optional(v.array(keySchema, (issue) => `must be an array, got ${shapeOf(issue.input)}`)),
}) as never;

/**
 * Encrypts values under a keyring, each bound to its id, scope, write and metadata, and decrypts them where they still
 * are what was written. Does no I/O.
 */
export class EncryptionManager {
  /** Id of the key that encrypts. */
  readonly primaryKid: string;
  readonly #keys: ReadonlyMap<string, EncryptionKey>;
  readonly #primary: EncryptionKey;

  /**
   * @throws ValidationError INVALID_CONFIG, also when a key is given twice.
   */
  constructor(options: EncryptionOptions) {
    const { primary, retired = [] } = parseWith(
      schema,
      options,
      'INVALID_CONFIG',
      'EncryptionManager options',
    );
    const keys = [primary, ...retired];
    this.#keys = new Map(keys.map((key) => [key.kid, key]));
    if (this.#keys.size !== keys.length) {
      const twice = new Set(keys.map(({ kid }) => kid).filter((kid, at, all) => all.indexOf(kid) !== at));
      throw new ValidationError('INVALID_CONFIG', `keys given more than once: ${[...twice].join(', ')}`);
    }
    this.#primary = primary;
    this.primaryKid = primary.kid;
  }

  /** Ids of all keys, the primary first. */
  get kids(): readonly string[] {
    return [...this.#keys.keys()];
  }

  /**
   * Derives passphrase keys now, not at their first use.
   * @throws ValidationError INVALID_CONFIG for a wrong passphrase.
   */
  async ready(): Promise<void> {
    // One at a time: each takes up to 1 GiB while it is derived.
    for (const key of this.#keys.values()) {
      await keyObjectOf(key);
    }
  }

  /**
   * Encrypts under the primary key and a content key of this write's own.
   * @throws ValidationError INVALID_ARGUMENT; INVALID_CONFIG for a wrong passphrase.
   */
  async encrypt(plaintext: Uint8Array, binding: Binding): Promise<EncryptedData> {
    if (!(plaintext instanceof Uint8Array)) {
      throw invalidArgument('plaintext', `must be a Uint8Array, got ${shapeOf(plaintext)}`);
    }
    const aad = bindingAad(binding);
    return seal(plaintext, await keyObjectOf(this.#primary), this.primaryKid, aad);
  }

  /**
   * The plaintext, in memory of its own so that it can be zeroed.
   * @param target - what was asked for, not what the record says.
   * @throws CryptoError CORRUPTED or DECRYPTION_FAILED when anything differs from what was written under this target,
   * KEY_NOT_FOUND with the key's id, UNSUPPORTED_FORMAT for a JWE that this library did not write. ValidationError
   * INVALID_CONFIG for a wrong passphrase.
   */
  async decrypt(record: EncryptedRecord, target: Target): Promise<Buffer> {
    const envelope = parseEnvelope(record.jwe);
    const aad = expectedAad(record, target);
    const key = await this.#keyFor(envelope, aad);
    return open(envelope, await keyObjectOf(key), aad);
  }

  /**
   * The key that a record names; proven only by decrypting.
   * @throws CryptoError CORRUPTED, UNSUPPORTED_FORMAT
   */
  kidOf(record: EncryptedRecord): string {
    return readKid(parseEnvelope(record.jwe).protected);
  }

  async #keyFor(envelope: Envelope, aad: string): Promise<EncryptionKey> {
    let kid: string;
    try {
      kid = readKid(envelope.protected);
    } catch (error) {
      throw (await this.#opensWithOwnHeader(envelope, aad)) ? headerAltered() : error;
    }
    const key = this.#keys.get(kid);
    if (key !== undefined) {
      return key;
    }
    if ((await this.#ownerOf(envelope)) !== undefined) {
      throw headerAltered();
    }
    throw new CryptoError('KEY_NOT_FOUND', `the keyring does not hold key ${kid}`, {
      kid,
      remedy: `Add key ${kid} to the keyring as a retired key.`,
    });
  }

  /** The key that wrapped the content key, whatever the header says. */
  async #ownerOf(envelope: Envelope): Promise<EncryptionKey | undefined> {
    for (const key of this.#keys.values()) {
      if (isWrappedBy(envelope, await keyObjectOf(key))) {
        return key;
      }
    }
    return undefined;
  }

  /** Tells an altered header of ours from the header of a JWE that somebody else made with the same key. */
  async #opensWithOwnHeader(envelope: Envelope, aad: string): Promise<boolean> {
    const owner = await this.#ownerOf(envelope);
    if (owner === undefined) {
      return false;
    }
    try {
      open({ ...envelope, protected: protectedHeader(owner.kid) }, await keyObjectOf(owner), aad).fill(0);
      return true;
    } catch {
      return false;
    }
  }
}

function headerAltered(): CryptoError {
  return new CryptoError('CORRUPTED', 'the protected header of the encrypted value was altered');
}

function expectedAad({ writeId, meta }: EncryptedRecord, { id, scope }: Target): string {
  try {
    return bindingAad({ id, scope, writeId, meta });
  } catch (cause) {
    throw new CryptoError(
      'CORRUPTED',
      'writeId or metadata of the record are none that this library writes',
      {
        cause,
      },
    );
  }
}

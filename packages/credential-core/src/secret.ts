import { inspect } from 'node:util';
import { ValidationError } from './errors.ts';
import { invalidArgument, shapeOf } from './validation.ts';

const redacted = '[redacted]';
const brand = Symbol.for('nebula.credential.secret');

/**
 * Bytes that show themselves only to {@link Secret.expose}. Printing, logging, inspecting and serialising give
 * `[redacted]`. {@link Secret.dispose} (or `using`) overwrites them with zeros.
 */
export class Secret implements Disposable {
  static {
    Object.defineProperty(Secret.prototype, brand, { value: true });
    Object.defineProperty(Secret.prototype, inspect.custom, { value: () => `Secret(${redacted})` });
  }

  readonly #bytes: Buffer;
  #exposures = 0;
  #disposed = false;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Also of another copy of this package: a backend may come with its own. */
  static [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value;
  }

  /**
   * Copies the value; a string is taken as UTF-8.
   * @throws ValidationError INVALID_ARGUMENT for anything else, and for a string with lone surrogates.
   */
  static from(value: string | Uint8Array): Secret {
    if (typeof value === 'string') {
      if (!value.isWellFormed()) {
        throw invalidArgument(
          'secret',
          'must be well-formed Unicode where it is a string; pass bytes otherwise',
        );
      }
      // Not from the shared pool: the memory behind it is this secret's alone.
      const bytes = Buffer.alloc(Buffer.byteLength(value));
      bytes.write(value);
      return new Secret(bytes);
    }
    if (value instanceof Uint8Array) {
      const bytes = Buffer.alloc(value.byteLength);
      bytes.set(value);
      return new Secret(bytes);
    }
    throw invalidArgument('secret', `must be a string or a Uint8Array, got ${shapeOf(value)}`);
  }

  /** Length in bytes. */
  get size(): number {
    return this.#bytes.byteLength;
  }

  /** Whether the bytes are gone. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /**
   * Hands the bytes to `fn`, awaits it, and gives back its result. The buffer is the secret's own: do not keep or
   * change it. `bytes.toString()` is the text of a secret made from a string.
   * @throws ValidationError INVALID_ARGUMENT after `dispose()`.
   */
  async expose<T>(fn: (bytes: Buffer) => T): Promise<Awaited<T>> {
    if (this.#disposed) {
      throw new ValidationError('INVALID_ARGUMENT', 'the secret was disposed and holds nothing any more');
    }
    this.#exposures += 1;
    try {
      return await fn(this.#bytes);
    } finally {
      this.#exposures -= 1;
      this.#zeroIfUnused();
    }
  }

  /** Overwrites the bytes; while an `expose` is running, as soon as it ends. */
  dispose(): void {
    this.#disposed = true;
    this.#zeroIfUnused();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  toString(): string {
    return redacted;
  }

  toJSON(): string {
    return redacted;
  }

  #zeroIfUnused(): void {
    if (this.#disposed && this.#exposures === 0) {
      this.#bytes.fill(0);
    }
  }
}

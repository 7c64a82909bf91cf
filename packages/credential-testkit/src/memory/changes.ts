import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import {
  type CredentialChange,
  type CredentialId,
  type RecordMeta,
  type Scope,
  StorageError,
  ValidationError,
} from '@nebula/credential-core';

/** A change as the log keeps it. */
export interface LoggedChange extends Omit<CredentialChange, 'cursor'> {
  readonly id: CredentialId;
  readonly scope: Scope | undefined;
  /** Of the version that was stored or deleted. */
  readonly meta: RecordMeta;
}

/** The last changes of a storage, numbered from 1. Older ones are forgotten, so that its size is bounded. */
export class ChangeLog {
  /** Tells this log's cursors from another's. */
  readonly #name = randomBytes(6).toString('base64url');
  readonly #capacity: number;
  readonly #kept: LoggedChange[] = [];
  readonly #arrivals = new EventEmitter().setMaxListeners(0);
  /** Number of the newest change. */
  #newest = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(change: LoggedChange): void {
    this.#kept.push(change);
    this.#newest += 1;
    if (this.#kept.length > this.#capacity) {
      this.#kept.shift();
    }
    this.#arrivals.emit('change');
  }

  /**
   * Changes after the cursor; without one, those that follow this call. Ends with the signal's AbortError.
   * @throws ValidationError INVALID_ARGUMENT for what is no cursor of this log; StorageError INVALID_STATE when the
   * change after the cursor is forgotten, also later, when the reader is too slow.
   */
  follow(cursor: string | undefined, signal: AbortSignal): AsyncGenerator<[LoggedChange, cursor: string]> {
    return this.#follow(cursor === undefined ? this.#newest : this.#parse(cursor), signal);
  }

  async *#follow(after: number, signal: AbortSignal): AsyncGenerator<[LoggedChange, cursor: string]> {
    for (let next = after + 1; ; next += 1) {
      while (next > this.#newest) {
        await once(this.#arrivals, 'change', { signal });
      }
      signal.throwIfAborted();
      const change = this.#kept[next - 1 - (this.#newest - this.#kept.length)];
      if (change === undefined) {
        throw new StorageError('INVALID_STATE', 'the changes after this cursor are no longer kept', {
          remedy: 'List the credentials, and watch again without a cursor.',
        });
      }
      yield [change, `${this.#name}.${next}`];
    }
  }

  #parse(cursor: string): number {
    const position = cursor.startsWith(`${this.#name}.`) ? Number(cursor.slice(this.#name.length + 1)) : -1;
    if (!Number.isInteger(position) || position < 0 || position > this.#newest) {
      const message = 'cursor: must be one that a watch on this storage gave';
      throw new ValidationError('INVALID_ARGUMENT', message, { issues: [{ path: 'cursor', message }] });
    }
    return position;
  }
}

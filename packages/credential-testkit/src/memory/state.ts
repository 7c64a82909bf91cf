import {
  type CredentialId,
  createWriteId,
  type PlainRecord,
  type Revision,
  type Scope,
  StorageError,
  type Target,
  type WriteCondition,
} from '@nebula/credential-core';
import { ChangeLog } from './changes.ts';
import { type Content, fromContent } from './content.ts';
import { type ReadableVersion, Slot } from './slot.ts';

/**
 * What a memory backend holds and does. Linearizable: every method is one step that nothing interleaves with. It
 * refuses as a server would, with StorageError NOT_FOUND, ALREADY_EXISTS, CONFLICT and INVALID_STATE.
 */
export class MemoryState {
  /** Whether old versions are kept. */
  readonly history: boolean;
  /** Whether deleted credentials can be restored. */
  readonly bin: boolean;
  readonly changes: ChangeLog;
  readonly #partitions = new Map<Scope | undefined, Map<CredentialId, Slot>>();
  readonly #foreign = new Map<string, PlainRecord>();

  constructor(history: boolean, bin: boolean, maxChanges: number) {
    this.history = history;
    this.bin = bin;
    this.changes = new ChangeLog(maxChanges);
  }

  plant(name: string, value: Uint8Array): void {
    const meta = { lastModified: new Date().toISOString(), tags: {} };
    const writeId = createWriteId();
    this.#foreign.set(name, { v: 1, kind: 'value', writeId, meta, value: Uint8Array.from(value) });
  }

  /** What {@link MemoryState.plant} put there. */
  planted(name: string): PlainRecord {
    const found = this.#foreign.get(name);
    if (found === undefined) {
      throw new StorageError('NOT_FOUND', 'there is no object of this name');
    }
    return { ...found, value: Uint8Array.from(found.value) };
  }

  /** Everything that is known of a name; an empty slot when that is nothing. */
  slot({ id, scope }: Target): Slot {
    return this.#partitions.get(scope)?.get(id) ?? new Slot(this.history);
  }

  read(target: Target): ReadableVersion {
    const { current } = this.slot(target);
    if (current === undefined) {
      throw new StorageError('NOT_FOUND', 'there is no such credential');
    }
    return current;
  }

  write(target: Target, content: Content, writeId: string, condition: WriteCondition): Revision {
    const { current } = this.slot(target);
    if (condition.ifAbsent && current !== undefined) {
      throw new StorageError('ALREADY_EXISTS', 'the credential exists already');
    }
    checkRevision(condition.ifRevision, current);
    this.#makeRoom(target, condition.adopt ?? false);
    return this.#append(target, content, writeId, current?.credentialCreatedAt);
  }

  /** @param token - names this delete, for {@link Slot.deletedBy}. */
  remove(target: Target, ifRevision: Revision | undefined, token: string): void {
    const slot = this.slot(target);
    const { current } = slot;
    if (current === undefined) {
      return;
    }
    checkRevision(ifRevision, current);
    slot.delete(token);
    if (!this.bin) {
      slot.erase();
    }
    this.changes.add({ ...target, type: 'deleted', meta: fromContent(current.content).meta });
  }

  /** @param token - names this restore, for {@link Slot.writtenBy}. */
  restoreVersion(target: Target, version: string, token: string): Revision {
    const { credentialCreatedAt } = this.read(target);
    return this.#append(target, this.slot(target).version(version).content, token, credentialCreatedAt);
  }

  /** @param token - names this restore, for {@link Slot.writtenBy}. */
  restoreDeleted(target: Target, token: string): Revision {
    const { current, deleted } = this.slot(target);
    if (current !== undefined) {
      throw new StorageError('ALREADY_EXISTS', 'the id is in use');
    }
    if (deleted === undefined) {
      throw new StorageError('NOT_FOUND', 'nothing that was deleted has this id');
    }
    return this.#append(target, deleted.content, token, deleted.credentialCreatedAt);
  }

  purge(target: Target): void {
    const slot = this.slot(target);
    if (slot.current === undefined) {
      slot.erase();
    }
  }

  /** Names ever used in a partition, in order. */
  ids(scope: Scope | undefined): readonly CredentialId[] {
    return [...(this.#partitions.get(scope)?.keys() ?? [])].sort();
  }

  /** Partitions that hold a credential, in order. */
  scopes(): readonly Scope[] {
    return [...this.#partitions]
      .flatMap(([scope, slots]) =>
        scope !== undefined && [...slots.values()].some((slot) => slot.current !== undefined) ? [scope] : [],
      )
      .sort();
  }

  #makeRoom({ id, scope }: Target, adopt: boolean): void {
    const name = scope === undefined ? id : `@${scope}/${id}`;
    if (this.#foreign.has(name) && !adopt) {
      throw new StorageError('INVALID_STATE', 'another tool made the object of this name', {
        remedy: 'Choose another id, or store with adopt to write over it.',
      });
    }
    this.#foreign.delete(name);
  }

  #append(target: Target, content: Content, token: string, createdAt: Date | undefined): Revision {
    const { id, scope } = target;
    const slot = this.slot(target);
    const { revision } = slot.append(content, token, createdAt);
    const partition = this.#partitions.get(scope) ?? new Map<CredentialId, Slot>();
    this.#partitions.set(scope, partition.set(id, slot));
    this.changes.add({ ...target, type: 'stored', revision, meta: fromContent(content).meta });
    return revision;
  }
}

function checkRevision(expected: Revision | undefined, current: ReadableVersion | undefined): void {
  if (expected !== undefined && current?.revision !== expected) {
    throw new StorageError('CONFLICT', 'the credential is not in the expected state any more');
  }
}

/** A driver with every capability: versions, a bin, scopes, a watch, plain values, names of the backend's own. */
import {
  type Call,
  type Classification,
  type CredentialChange,
  type CredentialId,
  type CredentialVersion,
  type DeletedCredential,
  type Driver,
  type DriverBin,
  type DriverEntry,
  type DriverHead,
  type DriverHistory,
  type DriverRead,
  type DriverTraits,
  type ListQuery,
  type Page,
  type ReadSelector,
  type Revision,
  type Scope,
  StorageError,
  type StoredRecord,
  type Target,
  type WriteCondition,
} from '../src/index.ts';
import { BackendError, traits } from './support.ts';

interface Version {
  readonly record: StoredRecord;
  readonly revision: Revision;
}

interface Shelf {
  readonly target: Target;
  readonly versions: Version[];
  deleted: boolean;
}

export class VersionedDriver implements Driver {
  readonly name = 'versioned';
  readonly traits: DriverTraits;
  readonly shelves = new Map<string, Shelf>();
  /** Objects that this library did not make. */
  readonly foreign = new Map<string, StoredRecord>();
  /** Names of the requests sent, `connect` first. */
  readonly requests: string[] = [];
  readonly #changes: CredentialChange[] = [];
  #woken = Promise.withResolvers<void>();
  #counter = 0;

  constructor(overrides: Partial<DriverTraits> = {}) {
    this.traits = { ...traits, plainValues: true, nativeName: true, ...overrides };
  }

  classify(error: unknown): Classification {
    return error instanceof BackendError
      ? error.classification
      : { code: 'UNAVAILABLE', retryable: false, message: 'unknown failure' };
  }

  async connect(call: Call): Promise<void> {
    await this.#request(call, 'connect', () => undefined);
  }

  write(call: Call, target: Target, record: StoredRecord, condition: WriteCondition): Promise<Revision> {
    return this.#request(call, 'write', () => {
      const shelf = this.shelves.get(keyOf(target));
      const current = shelf?.deleted === false ? shelf.versions.at(-1) : undefined;
      if (condition.ifAbsent && current !== undefined) {
        throw new StorageError('ALREADY_EXISTS', 'there is one already');
      }
      if (condition.ifRevision !== undefined && current?.revision !== condition.ifRevision) {
        throw new StorageError('CONFLICT', 'it has changed');
      }
      return this.#put(target, record);
    });
  }

  read(call: Call, target: Target, { version, nativeName }: ReadSelector): Promise<DriverRead> {
    return this.#request(call, 'read', () => {
      if (nativeName !== undefined) {
        const record = this.foreign.get(nativeName);
        if (record === undefined) {
          throw new StorageError('NOT_FOUND', 'there is no such object');
        }
        return { record, revision: 'native' as Revision };
      }
      const { versions } = this.#shelf(target);
      return found(version === undefined ? versions.at(-1) : versions[Number(version)]);
    });
  }

  head(call: Call, target: Target): Promise<DriverHead> {
    return this.#request(call, 'head', () => {
      const { record, revision } = found(this.#shelf(target).versions.at(-1));
      return { meta: record.meta, revision };
    });
  }

  remove(call: Call, target: Target): Promise<void> {
    return this.#request(call, 'remove', () => {
      this.#shelf(target).deleted = true;
      this.#changed('deleted', target.id);
    });
  }

  list(call: Call, { scope }: ListQuery, cursor = '0'): Promise<Page<DriverEntry>> {
    return this.#request(call, 'list', () => {
      const items = [...this.shelves.values()]
        .filter((shelf) => shelf.target.scope === scope && !shelf.deleted)
        .map(({ target, versions }) => {
          const { record, revision } = found(versions.at(-1));
          return { id: target.id, tags: record.meta.tags, revision };
        });
      return pageOf(items, cursor);
    });
  }

  readonly scopes = (call: Call, cursor = '0'): Promise<Page<Scope>> =>
    this.#request(call, 'scopes', () => {
      const scopes = [...this.shelves.values()].flatMap(({ target }) => target.scope ?? []);
      return pageOf([...new Set(scopes)], cursor);
    });

  readonly watch = async function* (
    this: VersionedDriver,
    _query: unknown,
    cursor: string | undefined,
    signal: AbortSignal,
  ): AsyncIterable<CredentialChange> {
    let at = cursor === undefined ? this.#changes.length : Number(cursor) + 1;
    const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    while (!signal.aborted) {
      yield* this.#changes.slice(at);
      at = this.#changes.length;
      await Promise.race([this.#woken.promise, ended]);
    }
  };

  readonly history: DriverHistory = {
    list: (call, target, cursor = '0') =>
      this.#request(call, 'versions', () => {
        const { versions } = this.#shelf(target);
        const lines = versions.map(
          (_, index): CredentialVersion => ({
            version: String(index),
            current: index === versions.length - 1,
          }),
        );
        return pageOf(lines.reverse(), cursor);
      }),
    restore: (call, target, version) =>
      this.#request(call, 'restore version', () =>
        this.#put(target, found(this.#shelf(target).versions[Number(version)]).record),
      ),
  };

  readonly bin: DriverBin = {
    list: (call, scope, cursor = '0') =>
      this.#request(call, 'deleted', () => {
        const shelves = [...this.shelves.values()].filter((s) => s.deleted && s.target.scope === scope);
        return pageOf(
          shelves.map(({ target }): DeletedCredential => ({ id: target.id })),
          cursor,
        );
      }),
    restore: (call, target) =>
      this.#request(call, 'restore deleted', () => {
        const shelf = this.#shelf(target, true);
        shelf.deleted = false;
        return found(shelf.versions.at(-1)).revision;
      }),
    purge: (call, target) =>
      this.#request(call, 'purge', () => {
        this.#shelf(target, true);
        this.shelves.delete(keyOf(target));
      }),
  };

  #put(target: Target, record: StoredRecord): Revision {
    this.#counter += 1;
    const revision = `v${this.#counter}` as Revision;
    const shelf = this.shelves.get(keyOf(target)) ?? { target, versions: [], deleted: false };
    shelf.deleted = false;
    shelf.versions.push({ record, revision });
    this.shelves.set(keyOf(target), shelf);
    this.#changed('stored', target.id);
    return revision;
  }

  #changed(type: CredentialChange['type'], id: CredentialId): void {
    this.#changes.push({ type, id, cursor: String(this.#changes.length) });
    this.#woken.resolve();
    this.#woken = Promise.withResolvers();
  }

  #shelf(target: Target, deleted = false): Shelf {
    const shelf = this.shelves.get(keyOf(target));
    if (shelf?.deleted !== deleted) {
      throw new StorageError('NOT_FOUND', `there is no credential ${target.id}`);
    }
    return shelf;
  }

  #request<T>(call: Call, step: string, effect: () => T): Promise<T> {
    return call.request(step, async () => {
      this.requests.push(step);
      return effect();
    });
  }
}

function found(version: Version | undefined): Version {
  if (version === undefined) {
    throw new StorageError('NOT_FOUND', 'there is no such version');
  }
  return version;
}

function pageOf<T>(items: readonly T[], cursor: string): Page<T> {
  const from = Number(cursor);
  const next = from + 3 < items.length ? String(from + 3) : undefined;
  return { items: items.slice(from, from + 3), next };
}

function keyOf({ scope, id }: Target): string {
  return `${scope ?? ''}:${id}`;
}

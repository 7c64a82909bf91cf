/** A linearizable store in a map, with every request open to interference: what core's own tests drive. */
import { setImmediate as macrotask } from 'node:timers/promises';
import {
  type Call,
  type Classification,
  type CredentialEntry,
  createWriteId,
  type Driver,
  type DriverHead,
  type DriverRead,
  type DriverTraits,
  type EncryptedRecord,
  type ListQuery,
  type Page,
  parseRecord,
  type Reconciliation,
  type Revision,
  StorageError,
  type StoredRecord,
  serializeRecord,
  type Target,
  type WriteCondition,
} from '../src/index.ts';

/** What a test makes a backend throw: carries its own classification. */
export class BackendError extends Error {
  readonly classification: Classification;
  constructor(classification: Partial<Classification> & Pick<Classification, 'code'>) {
    super('raw backend error with a token: hunter2');
    this.classification = { message: 'the backend said so', ...classification };
  }
}

/** Called around a request: `before` may throw instead of it, `after` may throw away its reply. */
export interface Interference {
  before?(step: string, signal: AbortSignal): Promise<void> | void;
  after?(step: string): Promise<void> | void;
}

interface Version {
  readonly text: string;
  readonly revision: Revision;
  readonly writeId: string;
}

export const traits: DriverTraits = {
  ifAbsent: true,
  ifRevision: true,
  deleteIfRevision: true,
  plainValues: false,
  nativeName: false,
  index: 'atomic',
  metadataAtomic: true,
  tags: { count: 20 },
  maxRecordBytes: 100_000,
};

export class MapDriver implements Driver {
  readonly name = 'map';
  readonly traits: DriverTraits;
  readonly interference: Interference = {};
  readonly current = new Map<string, Version>();
  /** How often each write took effect, by writeId. */
  readonly applied = new Map<string, number>();
  /** Names of the requests sent. */
  readonly requests: string[] = [];
  #counter = 0;
  #withHistory: boolean;

  constructor(options: { readonly history?: boolean; readonly traits?: Partial<DriverTraits> } = {}) {
    this.#withHistory = options.history ?? true;
    this.traits = { ...traits, ...options.traits };
  }

  classify(error: unknown): Classification {
    return error instanceof BackendError
      ? error.classification
      : { code: 'UNAVAILABLE', retryable: false, message: 'unknown failure' };
  }

  async connect(call: Call): Promise<void> {
    await this.#request(call, 'connect', () => undefined);
  }

  async write(
    call: Call,
    target: Target,
    record: StoredRecord,
    condition: WriteCondition,
  ): Promise<Revision> {
    const key = keyOf(target);
    let base: Revision | undefined;
    const reconcile = async (): Promise<Reconciliation<Revision>> => {
      const found = await this.#request(call, 'reconcile', () => ({
        current: this.current.get(key),
        written: this.applied.has(record.writeId),
      }));
      if (found.current?.writeId === record.writeId) {
        return { state: 'applied', result: found.current.revision };
      }
      if (this.#withHistory) {
        return found.written
          ? { state: 'applied', result: `superseded-${record.writeId}` as Revision }
          : { state: 'not-applied' };
      }
      return { state: found.current?.revision === base ? 'not-applied' : 'unknown' };
    };
    return this.#request(
      call,
      'write',
      () => {
        const current = this.current.get(key);
        base = current?.revision;
        if (condition.ifAbsent && current !== undefined) {
          throw new StorageError('ALREADY_EXISTS', `there is a credential ${target.id} already`);
        }
        if (condition.ifRevision !== undefined && current?.revision !== condition.ifRevision) {
          throw new StorageError('CONFLICT', `the credential ${target.id} has changed`);
        }
        this.#counter += 1;
        const revision = `r${this.#counter}` as Revision;
        this.applied.set(record.writeId, (this.applied.get(record.writeId) ?? 0) + 1);
        this.current.set(key, {
          text: serializeRecord(record as EncryptedRecord),
          revision,
          writeId: record.writeId,
        });
        return revision;
      },
      reconcile,
    );
  }

  async read(call: Call, target: Target): Promise<DriverRead> {
    const { text, revision } = await this.#request(call, 'read', () => this.#existing(target));
    return { record: parseRecord(text), revision };
  }

  async head(call: Call, target: Target): Promise<DriverHead> {
    const { record, revision } = await this.read(call, target);
    return { meta: record.meta, revision };
  }

  async remove(call: Call, target: Target): Promise<void> {
    await call.request(
      'remove',
      (signal) => this.#interfered('remove', signal, () => void this.current.delete(keyOf(target))),
      { commit: 'idempotent' },
    );
  }

  async list(call: Call, { scope }: ListQuery, cursor: string | undefined): Promise<Page<CredentialEntry>> {
    return this.#request(call, 'list', () => {
      const keys = [...this.current.keys()].filter((key) => key.startsWith(`${scope ?? ''}:`)).sort();
      const from = cursor === undefined ? 0 : Number(cursor);
      const items = keys.slice(from, from + 10).map((key) => {
        const { text, revision } = this.current.get(key) as Version;
        const { meta } = parseRecord(text);
        const id = key.slice(key.indexOf(':') + 1) as CredentialEntry['id'];
        return { id, tags: meta.tags, lastModified: new Date(meta.lastModified), revision };
      });
      return { items, next: from + 10 < keys.length ? String(from + 10) : undefined };
    });
  }

  #existing(target: Target): Version {
    const found = this.current.get(keyOf(target));
    if (found === undefined) {
      throw new StorageError('NOT_FOUND', `there is no credential ${target.id}`);
    }
    return found;
  }

  #request<T>(
    call: Call,
    step: string,
    effect: () => T,
    commit?: () => Promise<Reconciliation<T>>,
  ): Promise<T> {
    return call.request(step, (signal) => this.#interfered(step, signal, effect), { commit });
  }

  async #interfered<T>(step: string, signal: AbortSignal, effect: () => T): Promise<T> {
    this.requests.push(step);
    await this.interference.before?.(step, signal);
    const result = effect();
    await this.interference.after?.(step);
    return result;
  }
}

function keyOf({ scope, id }: Target): string {
  return `${scope ?? ''}:${id}`;
}

/** A record that need not be decrypted. */
export function record(content = '', tags: Record<string, string> = {}): EncryptedRecord {
  return {
    v: 1,
    kind: 'value',
    writeId: createWriteId(),
    meta: { lastModified: new Date().toISOString(), tags },
    jwe: { protected: 'a', encrypted_key: 'a', iv: 'a', ciphertext: content, tag: 'a', aad: 'a' },
  };
}

/** Seeded numbers in [0, 1): mulberry32, so that a failing run can be repeated. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) {
    found.push(item);
  }
  return found;
}

/** Lets other work of the event loop run. */
export async function turn(): Promise<void> {
  await macrotask();
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<never> {
  return promise.then(
    () => {
      throw new Error('expected a rejection');
    },
    (error: unknown) => error as never,
  );
}

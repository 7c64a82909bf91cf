import {
  type Call,
  type Classification,
  type CredentialChange,
  createWriteId,
  type Driver,
  type DriverBin,
  type DriverEntry,
  type DriverHead,
  type DriverHistory,
  type DriverRead,
  type DriverTraits,
  type ListQuery,
  matchesFilter,
  type Page,
  type ReadSelector,
  type Revision,
  type Scope,
  type StoredRecord,
  type Target,
  type WriteCondition,
} from '@nebula/credential-core';
import { MemoryBin } from './bin.ts';
import type { LoggedChange } from './changes.ts';
import type { MemoryDriverOptions, SwitchableCapability } from './config.ts';
import { fromContent, toContent } from './content.ts';
import { MemoryHistory } from './history.ts';
import { after, pageOf } from './page.ts';
import { reconcileVersion, reconciliation } from './reconcile.ts';
import type { MemoryState } from './state.ts';
import { type MemoryStorage, stateOf } from './storage.ts';

/** A backend in memory, with every capability that it is not told to do without. */
export class MemoryDriver implements Driver {
  readonly name = 'memory';
  readonly traits: DriverTraits;
  readonly scopes?: (call: Call, cursor: string | undefined) => Promise<Page<Scope>>;
  readonly watch?: NonNullable<Driver['watch']>;
  readonly history?: DriverHistory;
  readonly bin?: DriverBin;
  readonly #state: MemoryState;
  readonly #pageSize: number;

  constructor(
    storage: MemoryStorage,
    { without = [], maxRecordBytes = 1_048_576, pageSize = 100 }: MemoryDriverOptions = {},
  ) {
    const offers = (capability: SwitchableCapability): boolean => !without.includes(capability);
    const state = stateOf(storage);
    this.#state = state;
    this.#pageSize = pageSize;
    this.traits = {
      ifAbsent: offers('ifAbsent'),
      ifRevision: offers('ifRevision'),
      deleteIfRevision: offers('deleteIfRevision'),
      plainValues: offers('plainValues'),
      nativeName: offers('nativeName'),
      index: 'atomic',
      metadataAtomic: true,
      tags: { count: 50 },
      maxRecordBytes,
    };
    if (offers('scopes')) {
      this.scopes = (call, cursor) => this.#listScopes(call, cursor);
    }
    if (offers('watch')) {
      this.watch = (query, cursor, signal) => select(state.changes.follow(cursor, signal), query);
    }
    if (state.history && offers('versions')) {
      this.history = new MemoryHistory(state, pageSize);
    }
    if (state.bin && offers('deleted')) {
      this.bin = new MemoryBin(state, pageSize);
    }
  }

  /** The storage refuses with errors of this library, which need no table; anything else is a defect of it. */
  classify(_error: unknown, step: string): Classification {
    return { code: 'UNAVAILABLE', message: `the memory storage failed at ${step}`, retryable: false };
  }

  async connect(call: Call): Promise<void> {
    await call.request('probe', async () => {});
  }

  async write(
    call: Call,
    target: Target,
    record: StoredRecord,
    condition: WriteCondition,
  ): Promise<Revision> {
    const content = toContent(record);
    const { writeId } = record;
    return call.request('put', async () => this.#state.write(target, content, writeId, condition), {
      commit: await reconcileVersion(call, this.#state, target, writeId),
    });
  }

  read(call: Call, target: Target, { version, nativeName }: ReadSelector): Promise<DriverRead> {
    return call.request('get', async () => {
      if (nativeName !== undefined) {
        const record = this.#state.planted(nativeName);
        return { record, revision: record.writeId as Revision };
      }
      const current = this.#state.read(target);
      const found = version === undefined ? current : this.#state.slot(target).version(version);
      const { content, revision, credentialCreatedAt } = found;
      return { record: fromContent(content), revision, createdAt: credentialCreatedAt };
    });
  }

  head(call: Call, target: Target): Promise<DriverHead> {
    return call.request('head', async () => {
      const { content, revision, credentialCreatedAt } = this.#state.read(target);
      return { meta: fromContent(content).meta, revision, createdAt: credentialCreatedAt };
    });
  }

  async remove(call: Call, target: Target, condition: Pick<WriteCondition, 'ifRevision'>): Promise<void> {
    const token = createWriteId();
    await call.request('delete', async () => this.#state.remove(target, condition.ifRevision, token), {
      commit: await reconciliation(call, this.#state, target, (slot) =>
        slot.deletedBy(token) === undefined ? undefined : { result: undefined },
      ),
    });
  }

  list(call: Call, query: ListQuery, cursor: string | undefined): Promise<Page<DriverEntry>> {
    const { scope } = query;
    return call.request('list', async () =>
      pageOf(after(cursor, this.#state.ids(scope)), this.#pageSize, (id) =>
        this.#entry({ id, scope }, query),
      ),
    );
  }

  #entry(target: Target, { filter, detail }: ListQuery): DriverEntry | undefined {
    const { id } = target;
    const { current } = this.#state.slot(target);
    if (current === undefined || detail === 'ids') {
      return current && { id };
    }
    const { tags, lastModified } = fromContent(current.content).meta;
    const entry = { id, tags, lastModified: new Date(lastModified), revision: current.revision };
    return matchesFilter(filter, entry) ? entry : undefined;
  }

  #listScopes(call: Call, cursor: string | undefined): Promise<Page<Scope>> {
    return call.request('list-scopes', async () =>
      pageOf(after(cursor, this.#state.scopes()), this.#pageSize, (scope) => scope),
    );
  }
}

async function* select(
  changes: AsyncIterable<[LoggedChange, cursor: string]>,
  { scope, filter }: Omit<ListQuery, 'detail'>,
): AsyncGenerator<CredentialChange> {
  for await (const [{ type, id, revision, meta, ...change }, cursor] of changes) {
    const { tags, lastModified } = meta;
    if (change.scope === scope && matchesFilter(filter, { tags, lastModified: new Date(lastModified) })) {
      yield { type, id, revision, cursor };
    }
  }
}

import {
  callSchema,
  deleteSchema,
  retrieveSchema,
  storeSchema,
  versionSchema,
  watchSchema,
} from './call-options.ts';
import { type Capabilities, capabilitiesOf } from './capabilities.ts';
import { Connection } from './connection.ts';
import type { Call, Driver, DriverBin, DriverEntry, DriverHistory, Page, Target } from './driver.ts';
import { annotate, CredentialError, hasCode, StorageError } from './errors.ts';
import {
  type CredentialContext,
  type CredentialId,
  credentialContext,
  credentialId,
  type ParsedContext,
  type Scope,
} from './identity.ts';
import {
  type CredentialFilter,
  credentialFilter,
  fromRecordMeta,
  isOpenFilter,
  matchesFilter,
} from './metadata.ts';
import type { StorageMetrics } from './metrics.ts';
import { type Operation, Pipeline, type PipelineOptions, pipelineSchema } from './pipeline.ts';
import type {
  CallOptions,
  CredentialChange,
  CredentialEntry,
  CredentialHead,
  CredentialVersion,
  DeletedCredential,
  DeletedCredentials,
  DeleteOptions,
  ProviderState,
  RetrieveOptions,
  StorageProvider,
  StoredCredential,
  StoreOptions,
  VersionHistory,
  WatchOptions,
} from './provider.ts';
import {
  checkRecordArgument,
  checkRecordSize,
  checkTagCount,
  isEncrypted,
  type StoredRecord,
} from './record.ts';
import type { Revision } from './revision.ts';
import { parseWith } from './validation.ts';

/** An operation on one credential: how it is named, and what options it takes. */
interface Spec<O extends CallOptions> {
  readonly name: string;
  readonly kind: 'read' | 'write';
  readonly options: Parameters<typeof parseWith<unknown, O>>[0];
}

const store: Spec<StoreOptions> = { name: 'store', kind: 'write', options: storeSchema };
const retrieve: Spec<RetrieveOptions> = { name: 'retrieve', kind: 'read', options: retrieveSchema };
const head: Spec<CallOptions> = { name: 'head', kind: 'read', options: callSchema };
const exists: Spec<CallOptions> = { name: 'exists', kind: 'read', options: callSchema };
const remove: Spec<DeleteOptions> = { name: 'delete', kind: 'write', options: deleteSchema };
const listVersions: Spec<CallOptions> = { name: 'versions.list', kind: 'read', options: callSchema };
const restoreVersion: Spec<CallOptions> = { name: 'versions.restore', kind: 'write', options: callSchema };
const restoreDeleted: Spec<CallOptions> = { name: 'deleted.restore', kind: 'write', options: callSchema };
const purge: Spec<CallOptions> = { name: 'deleted.purge', kind: 'write', options: callSchema };

/** What a caller passed, as it was passed. */
interface Arguments<O> {
  readonly id: string;
  readonly context: CredentialContext | undefined;
  readonly options: O | undefined;
}

/** The same, validated. */
interface Parsed<O> {
  readonly id: CredentialId;
  readonly context: ParsedContext;
  readonly options: O;
}

/**
 * The one implementation of {@link StorageProvider}: validation, capabilities and lifecycle around a driver. Backend
 * packages extend it with a constructor that takes their options.
 */
export class DriverProvider implements StorageProvider {
  readonly capabilities: Capabilities;
  readonly scopes?: (options?: CallOptions) => AsyncIterable<Scope>;
  readonly watch?: (
    filter?: CredentialFilter,
    context?: CredentialContext,
    options?: WatchOptions,
  ) => AsyncIterable<CredentialChange>;
  readonly versions?: VersionHistory;
  readonly deleted?: DeletedCredentials;
  readonly #driver: Driver;
  readonly #pipeline: Pipeline;
  readonly #connection: Connection;

  /** @throws ValidationError INVALID_CONFIG */
  constructor(driver: Driver, options: PipelineOptions = {}) {
    const config = parseWith(pipelineSchema, options, 'INVALID_CONFIG', `${driver.name} provider options`);
    const { scopes, watch, history, bin } = driver;
    this.#driver = driver;
    this.#pipeline = new Pipeline(driver, config);
    this.#connection = new Connection(driver, this.#pipeline);
    this.capabilities = capabilitiesOf(driver);
    if (scopes) {
      this.scopes = (callerOptions) => this.#scopes(scopes, callerOptions);
    }
    if (watch) {
      this.watch = (...args) => this.#watch(watch, ...args);
    }
    if (history) {
      this.versions = {
        list: (id, context, callerOptions) => this.#versions(history, id, context, callerOptions),
        restore: (id, version, context, callerOptions) =>
          this.#run(restoreVersion, { id, context, options: callerOptions }, (call, target) => {
            const parsed = parseWith(versionSchema, version, 'INVALID_ARGUMENT', 'version');
            return this.#ready(call, () => history.restore(call, target, parsed));
          }),
      };
    }
    if (bin) {
      this.deleted = {
        list: (context, callerOptions) => this.#deleted(bin, context, callerOptions),
        restore: (id, context, callerOptions) =>
          this.#run(restoreDeleted, { id, context, options: callerOptions }, (call, target) =>
            this.#ready(call, () => bin.restore(call, target)),
          ),
        purge: (id, context, callerOptions) =>
          this.#run(purge, { id, context, options: callerOptions }, (call, target) =>
            this.#ready(call, () => absentAs(undefined, () => bin.purge(call, target))),
          ),
      };
    }
  }

  get name(): string {
    return this.#driver.name;
  }

  get state(): ProviderState {
    return this.#connection.state;
  }

  get metrics(): StorageMetrics {
    return this.#pipeline.metrics;
  }

  async connect(options?: CallOptions): Promise<void> {
    return this.#connection.connect(
      this.#checked({ name: 'connect', kind: 'read' }, () => callOptions(options)),
    );
  }

  async check(options?: CallOptions): Promise<void> {
    const spec = { name: 'check', kind: 'read' } as const;
    const operation = { ...spec, options: this.#checked(spec, () => callOptions(options)) };
    return this.#pipeline.run(operation, (call) =>
      this.#connection.use(async () => {
        await (this.#driver.check?.(call) ?? this.#driver.connect?.(call));
      }),
    );
  }

  async store(
    id: string,
    record: StoredRecord,
    context?: CredentialContext,
    options?: StoreOptions,
  ): Promise<Revision> {
    return this.#run(store, { id, context, options }, (call, target, { ifAbsent, ifRevision, adopt }) => {
      checkRecordArgument(record);
      this.#require(ifAbsent !== true || this.capabilities.ifAbsent, 'store with ifAbsent');
      this.#require(ifRevision === undefined || this.capabilities.ifRevision, 'store with ifRevision');
      this.#require(isEncrypted(record) || this.capabilities.plainValues, "encryption: 'provider'");
      checkTagCount(record, this.#driver.traits);
      checkRecordSize(record, this.#driver.traits);
      return this.#ready(call, () =>
        this.#driver.write(call, target, record, { ifAbsent, ifRevision, adopt }),
      );
    });
  }

  retrieve(
    id: string,
    context?: CredentialContext,
    options?: RetrieveOptions & { readonly ifNotRevision?: undefined },
  ): Promise<StoredCredential>;
  retrieve(
    id: string,
    context: CredentialContext | undefined,
    options: RetrieveOptions,
  ): Promise<StoredCredential | undefined>;
  async retrieve(
    id: string,
    context?: CredentialContext,
    options?: RetrieveOptions,
  ): Promise<StoredCredential | undefined> {
    return this.#run(retrieve, { id, context, options }, async (call, target, parsed) => {
      const { version, nativeName, ifNotRevision } = parsed;
      this.#require(version === undefined || this.capabilities.versions, 'retrieve with version');
      this.#require(nativeName === undefined || this.capabilities.nativeName, 'retrieve with nativeName');
      return this.#ready(call, async () => {
        const current = version === undefined && nativeName === undefined;
        if (ifNotRevision !== undefined && current) {
          const { revision } = await this.#driver.head(call, target);
          if (revision === ifNotRevision) {
            return undefined;
          }
        }
        const { record, revision, createdAt } = await this.#driver.read(call, target, {
          version,
          nativeName,
        });
        return revision === ifNotRevision
          ? undefined
          : { id: target.id, record, metadata: fromRecordMeta(record.meta, createdAt), revision };
      });
    });
  }

  async head(id: string, context?: CredentialContext, options?: CallOptions): Promise<CredentialHead> {
    return this.#run(head, { id, context, options }, (call, target) =>
      this.#ready(call, async () => {
        const { meta, revision, createdAt } = await this.#driver.head(call, target);
        return { id: target.id, metadata: fromRecordMeta(meta, createdAt), revision };
      }),
    );
  }

  async exists(id: string, context?: CredentialContext, options?: CallOptions): Promise<boolean> {
    return this.#run(exists, { id, context, options }, (call, target) =>
      this.#ready(call, () => absentAs(false, () => this.#driver.head(call, target).then(() => true))),
    );
  }

  async delete(id: string, context?: CredentialContext, options?: DeleteOptions): Promise<void> {
    return this.#run(remove, { id, context, options }, (call, target, { ifRevision }) => {
      this.#require(ifRevision === undefined || this.capabilities.deleteIfRevision, 'delete with ifRevision');
      return this.#ready(call, () =>
        absentAs(undefined, () => this.#driver.remove(call, target, { ifRevision })),
      );
    });
  }

  async *list(
    filter?: CredentialFilter,
    context?: CredentialContext,
    options?: CallOptions,
  ): AsyncIterable<CredentialId> {
    for await (const page of this.#found('list', filter, context, options)) {
      for (const { id } of page) {
        yield id;
      }
    }
  }

  async *entries(
    filter?: CredentialFilter,
    context?: CredentialContext,
    options?: CallOptions,
  ): AsyncIterable<CredentialEntry> {
    for await (const page of this.#found('entries', filter, context, options)) {
      for (const { tags = {}, ...entry } of page) {
        yield { ...entry, tags };
      }
    }
  }

  async close(): Promise<void> {
    return this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async *#found(
    name: 'list' | 'entries',
    filter: CredentialFilter | undefined,
    context: CredentialContext | undefined,
    options: CallOptions | undefined,
  ): AsyncIterable<readonly DriverEntry[]> {
    const parsed = this.#checked({ name, kind: 'read' }, () => ({
      filter: credentialFilter(filter),
      context: credentialContext(context),
      options: callOptions(options),
    }));
    const detail = name === 'list' && isOpenFilter(parsed.filter) ? 'ids' : 'entries';
    const query = { scope: parsed.context.scope, filter: parsed.filter, detail } as const;
    const pages = this.#pages({ ...parsed, name }, (call, cursor) => this.#driver.list(call, query, cursor));
    for await (const page of pages) {
      yield detail === 'ids'
        ? page
        : page.filter((entry) => matchesFilter(parsed.filter, { ...entry, tags: entry.tags ?? {} }));
    }
  }

  async *#scopes(
    scopes: NonNullable<Driver['scopes']>,
    options: CallOptions | undefined,
  ): AsyncIterable<Scope> {
    const name = 'scopes';
    const parsed = this.#checked({ name, kind: 'read' }, () => ({ options: callOptions(options) }));
    yield* this.#items({ ...parsed, name }, (call, cursor) => scopes.call(this.#driver, call, cursor));
  }

  async *#watch(
    watch: NonNullable<Driver['watch']>,
    filter?: CredentialFilter,
    context?: CredentialContext,
    options: WatchOptions = {},
  ): AsyncIterable<CredentialChange> {
    const { query, signal, cursor } = this.#checked({ name: 'watch', kind: 'read' }, () => ({
      query: { filter: credentialFilter(filter), scope: credentialContext(context).scope },
      ...parseWith(watchSchema, options, 'INVALID_ARGUMENT', 'options'),
    }));
    yield* this.#connection.stream(signal, (ended) => watch.call(this.#driver, query, cursor, ended));
  }

  async *#versions(
    history: DriverHistory,
    id: string,
    context: CredentialContext | undefined,
    options: CallOptions | undefined,
  ): AsyncIterable<CredentialVersion> {
    const parsed = this.#parse(listVersions, { id, context, options });
    const target = { id: parsed.id, scope: parsed.context.scope };
    yield* this.#items({ ...parsed, name: listVersions.name }, (call, cursor) =>
      history.list(call, target, cursor),
    );
  }

  async *#deleted(
    bin: DriverBin,
    context: CredentialContext | undefined,
    options: CallOptions | undefined,
  ): AsyncIterable<DeletedCredential> {
    const name = 'deleted.list';
    const parsed = this.#checked({ name, kind: 'read' }, () => ({
      context: credentialContext(context),
      options: callOptions(options),
    }));
    yield* this.#items({ ...parsed, name }, (call, cursor) => bin.list(call, parsed.context.scope, cursor));
  }

  /** One operation on one credential. `body` checks what it needs, then goes on through `#ready`. */
  async #run<O extends CallOptions, T>(
    spec: Spec<O>,
    args: Arguments<O>,
    body: (call: Call, target: Target, options: O) => Promise<T>,
  ): Promise<T> {
    const { id, context, options } = this.#parse(spec, args);
    return this.#pipeline.run({ name: spec.name, kind: spec.kind, id, context, options }, (call) =>
      this.#connection.use(async () => body(call, { id, scope: context.scope }, options)),
    );
  }

  #parse<O extends CallOptions>(spec: Spec<O>, { id, context, options }: Arguments<O>): Parsed<O> {
    return this.#checked(spec, () => ({
      id: credentialId(id),
      context: credentialContext(context),
      options: parseWith(spec.options, options === undefined ? {} : options, 'INVALID_ARGUMENT', 'options'),
    }));
  }

  /** Runs a check of arguments; its error says of which operation. */
  #checked<T>({ name, kind }: Pick<Operation, 'name' | 'kind'>, check: () => T): T {
    try {
      return check();
    } catch (error) {
      throw error instanceof CredentialError
        ? annotate(error, {
            provider: this.name,
            operation: name,
            outcome: kind === 'write' ? 'not-applied' : undefined,
          })
        : error;
    }
  }

  /** Everything that goes to the backend waits for the connection first. */
  async #ready<T>(call: Call, request: () => Promise<T>): Promise<T> {
    await this.#connection.ready(call.signal);
    return request();
  }

  async *#items<T>(
    operation: Omit<Operation, 'kind'>,
    page: (call: Call, cursor: string | undefined) => Promise<Page<T>>,
  ): AsyncIterable<T> {
    for await (const items of this.#pages(operation, page)) {
      yield* items;
    }
  }

  /**
   * Page by page, each an operation with a deadline of its own. Pages, not items: each generator that an item passes
   * through costs more than all else that is done for it.
   */
  async *#pages<T>(
    operation: Omit<Operation, 'kind'>,
    page: (call: Call, cursor: string | undefined) => Promise<Page<T>>,
  ): AsyncIterable<readonly T[]> {
    let cursor: string | undefined;
    do {
      const from = cursor;
      const found = await this.#pipeline.run({ ...operation, kind: 'read' }, (call) =>
        this.#connection.use(() => this.#ready(call, () => page(call, from))),
      );
      yield found.items;
      cursor = found.next;
    } while (cursor !== undefined);
  }

  #require(offered: boolean, what: string): void {
    if (!offered) {
      throw new StorageError('UNSUPPORTED', `the ${this.name} provider does not offer ${what}`);
    }
  }
}

/**
 * Makes a provider of a driver.
 * @throws ValidationError INVALID_CONFIG
 */
export function createProvider(driver: Driver, options?: PipelineOptions): StorageProvider {
  return new DriverProvider(driver, options);
}

function callOptions(options: CallOptions = {}): CallOptions {
  return parseWith(callSchema, options, 'INVALID_ARGUMENT', 'options');
}

/** Takes NOT_FOUND, and nothing else, as the given answer. */
async function absentAs<T, A>(answer: A, request: () => Promise<T>): Promise<T | A> {
  try {
    return await request();
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) {
      return answer;
    }
    throw error;
  }
}

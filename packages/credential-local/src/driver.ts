import {
  type Call,
  type Classification,
  CryptoError,
  type Driver,
  type DriverEntry,
  type DriverHead,
  type DriverRead,
  type DriverTraits,
  type EncryptedRecord,
  isEncrypted,
  type ListQuery,
  type Page,
  type ReadSelector,
  type Reconciliation,
  type Revision,
  type Scope,
  StorageError,
  type StoredRecord,
  type Target,
  type WriteCondition,
} from '@nebula/credential-core';
import type { LocalStorageConfig } from './config.ts';
import {
  assertBelongs,
  type Document,
  MAX_RECORD_BYTES,
  nextDocument,
  parseDocument,
  revisionOf,
} from './document.ts';
import { classifySystemError } from './errors.ts';
import { Exclusive, type Work } from './exclusive.ts';
import { readFile, removeDurably, syncDirectory, writeDurably } from './file.ts';
import { type Place, StorageFolder } from './folder.ts';
import { forgetVersions, keepVersion, LocalHistory, newestVersion, pruneVersions } from './history.ts';
import { Listing } from './listing.ts';
import { sweep } from './sweep.ts';

/** What a driver needs of the configuration; the rest is the pipeline's. */
export type LocalDriverConfig = Pick<LocalStorageConfig, 'directory' | 'create' | 'versions' | 'locking'>;

/** What a write found in its place. */
type Before = Document | 'damaged' | undefined;

/** Credentials as files, one each. */
export class LocalDriver implements Driver {
  readonly name = 'local';
  readonly traits: DriverTraits = {
    ifAbsent: true,
    ifRevision: true,
    deleteIfRevision: true,
    plainValues: false,
    nativeName: false,
    index: 'atomic',
    metadataAtomic: true,
    tags: { count: 50 },
    maxRecordBytes: MAX_RECORD_BYTES,
  };
  readonly history?: LocalHistory;
  readonly #versions: number;
  readonly #folder: StorageFolder;
  readonly #exclusive: Exclusive;
  readonly #listing: Listing;

  constructor({ directory, create, versions, locking }: LocalDriverConfig) {
    this.#versions = versions;
    this.#folder = new StorageFolder(directory, create);
    this.#exclusive = new Exclusive(this.#folder, locking);
    this.#listing = new Listing(this.#folder);
    if (versions > 0) {
      this.history = new LocalHistory({
        place: (target) => this.#folder.place(target),
        read: (call, target) => this.#read(call, target),
        replace: (call, target, choose) => this.#replace(call, target, choose, {}),
      });
    }
  }

  classify(error: unknown, step: string): Classification {
    return classifySystemError(error, step);
  }

  async connect(call: Call): Promise<void> {
    await call.request('open', () => this.#folder.open());
    await call.request('check-locks', () => this.#exclusive.check());
    await call.request('sweep', () => sweep(this.#folder, this.#exclusive));
  }

  async check(call: Call): Promise<void> {
    await call.request('check', () => this.#folder.verify());
    await call.request('check-locks', () => this.#exclusive.check());
  }

  async write(
    call: Call,
    target: Target,
    record: StoredRecord,
    condition: WriteCondition,
  ): Promise<Revision> {
    if (!isEncrypted(record)) {
      throw new StorageError('UNSUPPORTED', 'local files hold encrypted records only', {
        remedy: 'Configure the manager with a key; encryption is not optional on a disk.',
      });
    }
    return this.#replace(call, target, async () => record, condition);
  }

  async read(call: Call, target: Target, { version }: ReadSelector): Promise<DriverRead> {
    const document =
      version === undefined || this.history === undefined
        ? await this.#read(call, target)
        : await this.history.read(call, target, version);
    return {
      record: document.record,
      revision: revisionOf(document),
      createdAt: new Date(document.createdAt),
    };
  }

  async head(call: Call, target: Target): Promise<DriverHead> {
    const { record, ...rest } = await this.read(call, target, {});
    return { ...rest, meta: record.meta };
  }

  async remove(
    call: Call,
    target: Target,
    { ifRevision }: Pick<WriteCondition, 'ifRevision'>,
  ): Promise<void> {
    const place = this.#folder.place(target);
    await this.#exclusive.run(call, place.lockKey, async (work) => {
      if (ifRevision === undefined) {
        await call.request('verify', () => this.#folder.verify());
      } else {
        const before = await call.request('read', () => this.#current(place));
        if (before !== undefined && revisionOf(before) !== ifRevision) {
          throw changed();
        }
      }
      await call.request('delete', () => work.track(this.#delete(place)), { commit: 'idempotent' });
    });
  }

  list(call: Call, query: ListQuery, cursor: string | undefined): Promise<Page<DriverEntry>> {
    return call.request('list', (signal) => this.#listing.entries(query, cursor, signal));
  }

  readonly scopes = (call: Call, cursor: string | undefined): Promise<Page<Scope>> =>
    call.request('list-scopes', () => this.#listing.scopes(cursor));

  async close(): Promise<void> {
    await this.#exclusive.close();
  }

  /** @throws StorageError NOT_FOUND */
  #read(call: Call, target: Target): Promise<Document> {
    const place = this.#folder.place(target);
    return call.request('read', async () => {
      const document = await this.#current(place);
      if (document === undefined) {
        throw new StorageError('NOT_FOUND', 'there is no such credential');
      }
      return document;
    });
  }

  /** @returns undefined only when the folder is there and the file is not. */
  async #current({ path, target }: Place): Promise<Document | undefined> {
    const file = (await this.#folder.hasScope(target.scope)) ? await readFile(path) : undefined;
    if (file === undefined) {
      await this.#folder.verify();
      return undefined;
    }
    const document = parseDocument(file.text, path);
    assertBelongs(document, target, path);
    return document;
  }

  async #replace(
    call: Call,
    target: Target,
    choose: () => Promise<EncryptedRecord>,
    condition: WriteCondition,
  ): Promise<Revision> {
    const place = this.#folder.place(target);
    return this.#exclusive.run(call, place.lockKey, async (work) => {
      const [before] = await call.request('read', () =>
        Promise.all([this.#before(place, condition), this.#folder.verify()]),
      );
      assertCondition(before, condition);
      const record = await choose();
      const base = await call.request('prepare', () => work.track(this.#prepare(place, before)));
      const document = nextDocument(target, record, base);
      const revision = revisionOf(document);
      await call.request(
        'write',
        async () => {
          await work.track(writeDurably(place.path, JSON.stringify(document)));
          return revision;
        },
        { commit: () => this.#reconcile(call, place, document, before, work) },
      );
      if (this.#versions > 0) {
        // The credential is written; what is left over now is removed after the next write.
        await work.track(pruneVersions(place, this.#versions)).catch(() => undefined);
      }
      return revision;
    });
  }

  /** What is there before a write. A damaged file can be written over, but meets no condition. */
  async #before(place: Place, { ifRevision }: WriteCondition): Promise<Before> {
    try {
      return await this.#current(place);
    } catch (error) {
      if (error instanceof CryptoError && ifRevision === undefined) {
        return 'damaged';
      }
      throw error;
    }
  }

  /** @returns what the new version follows. */
  async #prepare(place: Place, before: Before): Promise<Partial<Document> | undefined> {
    await this.#folder.ensureScope(place.target.scope);
    if (before === 'damaged') {
      // Its old versions may be the only good ones.
      return { version: await newestVersion(place) };
    }
    if (before === undefined) {
      // Left by a process that ended while it deleted a credential of this name.
      await forgetVersions(place);
    } else if (this.#versions > 0) {
      await keepVersion(place, before);
    }
    return before;
  }

  async #delete(place: Place): Promise<void> {
    if (await this.#folder.hasScope(place.target.scope)) {
      await removeDurably(place.path);
    }
    await forgetVersions(place);
  }

  /** Whether a write that did not report back took effect. Under the lock nobody else writes. */
  async #reconcile(
    call: Call,
    place: Place,
    document: Document,
    before: Before,
    work: Work,
  ): Promise<Reconciliation<Revision>> {
    // It may still be under way.
    await work.idle(call.signal);
    return call.request('look', async () => {
      const now = await this.#current(place);
      if (now?.stamp === document.stamp) {
        // Perhaps it was this that failed.
        await syncDirectory(place.directory);
        return { state: 'applied', result: revisionOf(now) };
      }
      const unchanged = before !== 'damaged' && now?.stamp === before?.stamp;
      return { state: unchanged ? 'not-applied' : 'unknown' };
    });
  }
}

function assertCondition(before: Before, { ifAbsent, ifRevision }: WriteCondition): void {
  if (ifAbsent === true && before !== undefined) {
    throw new StorageError('ALREADY_EXISTS', 'there is such a credential already');
  }
  if (
    ifRevision !== undefined &&
    (before === undefined || before === 'damaged' || revisionOf(before) !== ifRevision)
  ) {
    throw changed();
  }
}

function changed(): StorageError {
  return new StorageError('CONFLICT', 'the credential was changed or deleted since that revision');
}

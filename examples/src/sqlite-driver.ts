import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import {
  type Call,
  type Classification,
  type CredentialId,
  type Driver,
  type DriverEntry,
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
} from '@nebula/credential-core';

interface Row {
  readonly id: CredentialId;
  readonly revision: Revision;
  readonly writeId: string;
  readonly createdAt: number;
  readonly record: string;
}

const pageSize = 100;

/** What SQLite's result codes mean. Whatever is not in the table is unknown, and never taken for an absence. */
const meanings: Readonly<Record<number, Omit<Classification, 'message'>>> = {
  5: { code: 'UNAVAILABLE', outcome: 'not-applied' }, // SQLITE_BUSY: another process writes
  8: { code: 'PERMISSION_DENIED', remedy: 'Give this process write access to the database file.' }, // SQLITE_READONLY
  13: { code: 'QUOTA_EXCEEDED', remedy: 'Free space on the disk of the database file.' }, // SQLITE_FULL
};

/** Credentials in a SQLite database: `createProvider(new SqliteDriver('credentials.db'))`. */
export class SqliteDriver implements Driver {
  readonly name = 'sqlite';
  readonly traits: DriverTraits = {
    ifAbsent: true,
    ifRevision: true,
    deleteIfRevision: true,
    plainValues: false,
    nativeName: false,
    index: 'atomic',
    metadataAtomic: true,
    tags: { count: 50 },
    maxRecordBytes: 1024 * 1024,
  };
  readonly #path: string;
  #opened: DatabaseSync | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  classify(error: unknown): Classification {
    const { errcode } = error as { readonly errcode?: unknown };
    const meaning = typeof errcode === 'number' ? meanings[errcode & 0xff] : undefined;
    return {
      message: `SQLite failed with code ${errcode}`,
      ...(meaning ?? { code: 'UNAVAILABLE', retryable: false }),
    };
  }

  async connect(call: Call): Promise<void> {
    await call.request('open', async () => void this.#database);
  }

  async write(
    call: Call,
    target: Target,
    record: StoredRecord,
    condition: WriteCondition,
  ): Promise<Revision> {
    const text = serializeRecord(record as EncryptedRecord);
    const revision = randomUUID() as string as Revision;
    let base: Revision | undefined;
    const reconcile = async (): Promise<Reconciliation<Revision>> => {
      const now = await call.request('reconcile', async () => this.#row(target));
      if (now?.writeId === record.writeId) {
        return { state: 'applied', result: now.revision };
      }
      return { state: now?.revision === base ? 'not-applied' : 'unknown' };
    };
    const attempt = async (): Promise<Revision> =>
      this.#transaction(() => {
        const now = this.#row(target);
        base = now?.revision;
        this.#check(target, now, condition);
        this.#database
          .prepare(`INSERT INTO credential VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
            revision = excluded.revision, writeId = excluded.writeId, record = excluded.record`)
          .run(target.scope ?? '', target.id, revision, record.writeId, Date.now(), text);
        return revision;
      });
    return call.request('write', attempt, { commit: reconcile });
  }

  async read(call: Call, target: Target): Promise<DriverRead> {
    const row = await call.request('read', async () => this.#row(target));
    if (row === undefined) {
      throw new StorageError('NOT_FOUND', `there is no credential ${target.id}`);
    }
    return { record: parseRecord(row.record), revision: row.revision, createdAt: new Date(row.createdAt) };
  }

  async head(call: Call, target: Target): Promise<DriverHead> {
    const { record, ...rest } = await this.read(call, target);
    return { meta: record.meta, ...rest };
  }

  async remove(call: Call, target: Target, condition: WriteCondition): Promise<void> {
    const attempt = async (): Promise<void> =>
      this.#transaction(() => {
        const now = this.#row(target);
        if (now !== undefined) {
          this.#check(target, now, condition);
          this.#database
            .prepare('DELETE FROM credential WHERE scope = ? AND id = ?')
            .run(target.scope ?? '', target.id);
        }
      });
    await call.request('remove', attempt, { commit: 'idempotent' });
  }

  async list(call: Call, { scope }: ListQuery, cursor = ''): Promise<Page<DriverEntry>> {
    const rows = await call.request('list', async () =>
      this.#database
        .prepare('SELECT * FROM credential WHERE scope = ? AND id > ? ORDER BY id LIMIT ?')
        .all(scope ?? '', cursor, pageSize),
    );
    const items = (rows as unknown as Row[]).map(({ id, revision, record }) => {
      const { tags, lastModified } = parseRecord(record).meta;
      return { id, revision, tags, lastModified: new Date(lastModified) };
    });
    return { items, next: items.length === pageSize ? items.at(-1)?.id : undefined };
  }

  async close(): Promise<void> {
    this.#opened?.close();
  }

  get #database(): DatabaseSync {
    if (this.#opened === undefined) {
      const database = new DatabaseSync(this.#path);
      database.exec(`CREATE TABLE IF NOT EXISTS credential (scope TEXT, id TEXT, revision TEXT, writeId TEXT,
        createdAt INTEGER, record TEXT, PRIMARY KEY (scope, id))`);
      this.#opened = database;
    }
    return this.#opened;
  }

  #row({ scope, id }: Target): Row | undefined {
    const statement = this.#database.prepare('SELECT * FROM credential WHERE scope = ? AND id = ?');
    return statement.get(scope ?? '', id) as Row | undefined;
  }

  #check({ id }: Target, now: Row | undefined, { ifAbsent, ifRevision }: WriteCondition): void {
    if (ifAbsent === true && now !== undefined) {
      throw new StorageError('ALREADY_EXISTS', `there is a credential ${id}`);
    }
    if (ifRevision !== undefined && now?.revision !== ifRevision) {
      throw new StorageError('CONFLICT', `the credential ${id} has changed`);
    }
  }

  #transaction<T>(body: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = body();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

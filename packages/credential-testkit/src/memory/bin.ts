import {
  type Call,
  createWriteId,
  type DeletedCredential,
  type DriverBin,
  type Page,
  type Revision,
  type Scope,
  type Target,
} from '@nebula/credential-core';
import { after, pageOf } from './page.ts';
import { reconcileVersion } from './reconcile.ts';
import type { MemoryStorage } from './storage.ts';

/** Deleted credentials stay until they are purged or written over. */
export class MemoryBin implements DriverBin {
  readonly #storage: MemoryStorage;
  readonly #pageSize: number;

  constructor(storage: MemoryStorage, pageSize: number) {
    this.#storage = storage;
    this.#pageSize = pageSize;
  }

  list(call: Call, scope: Scope | undefined, cursor: string | undefined): Promise<Page<DeletedCredential>> {
    return call.request('list-deleted', async () =>
      pageOf(after(cursor, this.#storage.ids(scope)), this.#pageSize, (id) => {
        const deletion = this.#storage.slot({ id, scope }).deleted?.deletion;
        return deletion && { id, deletedAt: deletion.at };
      }),
    );
  }

  async restore(call: Call, target: Target): Promise<Revision> {
    const token = createWriteId();
    return call.request('restore-deleted', async () => this.#storage.restoreDeleted(target, token), {
      commit: await reconcileVersion(call, this.#storage, target, token),
    });
  }

  purge(call: Call, target: Target): Promise<void> {
    return call.request('purge', async () => this.#storage.purge(target), { commit: 'idempotent' });
  }
}

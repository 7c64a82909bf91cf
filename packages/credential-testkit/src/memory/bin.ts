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
import type { MemoryState } from './state.ts';

/** Deleted credentials stay until they are purged or written over. */
export class MemoryBin implements DriverBin {
  readonly #state: MemoryState;
  readonly #pageSize: number;

  constructor(state: MemoryState, pageSize: number) {
    this.#state = state;
    this.#pageSize = pageSize;
  }

  list(call: Call, scope: Scope | undefined, cursor: string | undefined): Promise<Page<DeletedCredential>> {
    return call.request('list-deleted', async () =>
      pageOf(after(cursor, this.#state.ids(scope)), this.#pageSize, (id) => {
        const deletion = this.#state.slot({ id, scope }).deleted?.deletion;
        return deletion && { id, deletedAt: deletion.at };
      }),
    );
  }

  async restore(call: Call, target: Target): Promise<Revision> {
    const token = createWriteId();
    return call.request('restore-deleted', async () => this.#state.restoreDeleted(target, token), {
      commit: await reconcileVersion(call, this.#state, target, token),
    });
  }

  purge(call: Call, target: Target): Promise<void> {
    return call.request('purge', async () => this.#state.purge(target), { commit: 'idempotent' });
  }
}

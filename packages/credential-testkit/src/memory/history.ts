import {
  type Call,
  type CredentialVersion,
  createWriteId,
  type DriverHistory,
  type Page,
  type Revision,
  type Target,
} from '@nebula/credential-core';
import { pageOf } from './page.ts';
import { reconcileVersion } from './reconcile.ts';
import type { MemoryState } from './state.ts';

/** Versions are named by their numbers. */
export class MemoryHistory implements DriverHistory {
  readonly #state: MemoryState;
  readonly #pageSize: number;

  constructor(state: MemoryState, pageSize: number) {
    this.#state = state;
    this.#pageSize = pageSize;
  }

  list(call: Call, target: Target, cursor: string | undefined): Promise<Page<CredentialVersion>> {
    return call.request('list-versions', async () => {
      const { number: current } = this.#state.read(target);
      const left = this.#state
        .slot(target)
        .versions.filter(({ number }) => cursor === undefined || number < Number(cursor));
      const byNumber = new Map(left.map((version) => [version.number, version]));
      return pageOf([...byNumber.keys()], this.#pageSize, (number) => ({
        version: String(number),
        createdAt: byNumber.get(number)?.createdAt,
        current: number === current,
      }));
    });
  }

  async restore(call: Call, target: Target, version: string): Promise<Revision> {
    const token = createWriteId();
    return call.request('restore-version', async () => this.#state.restoreVersion(target, version, token), {
      commit: await reconcileVersion(call, this.#state, target, token),
    });
  }
}

import type { Call, Reconcile, Revision, Target } from '@nebula/credential-core';
import type { Slot } from './slot.ts';
import type { MemoryStorage } from './storage.ts';

/**
 * Finds out whether a write arrived. The history proves it either way. Without one, a write that is not the last is
 * proven absent only if the slot is still in the state seen before.
 * @param find - the result of the write if the slot shows it.
 */
export async function reconciliation<T>(
  call: Call,
  storage: MemoryStorage,
  target: Target,
  find: (slot: Slot) => { readonly result: T } | undefined,
): Promise<Reconcile<T>> {
  const before = storage.history
    ? undefined
    : await call.request('look', async () => storage.slot(target).state);
  return () =>
    call.request('look', async () => {
      const slot = storage.slot(target);
      const found = find(slot);
      if (found !== undefined) {
        return { state: 'applied', ...found };
      }
      return { state: storage.history || slot.state === before ? 'not-applied' : 'unknown' };
    });
}

/** {@link reconciliation} of a write that makes a version. */
export function reconcileVersion(
  call: Call,
  storage: MemoryStorage,
  target: Target,
  token: string,
): Promise<Reconcile<Revision>> {
  return reconciliation(call, storage, target, (slot) => {
    const version = slot.writtenBy(token);
    return version && { result: version.revision };
  });
}

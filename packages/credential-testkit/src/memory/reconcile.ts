import type { Call, Reconcile, Revision, Target } from '@nebula/credential-core';
import type { Slot } from './slot.ts';
import type { MemoryState } from './state.ts';

/**
 * Finds out whether a write arrived. The history proves it either way. Without one, a write that is not the last is
 * proven absent only if the slot is still as it was seen before.
 * @param find - the result of the write if the slot shows it.
 */
export async function reconciliation<T>(
  call: Call,
  state: MemoryState,
  target: Target,
  find: (slot: Slot) => { readonly result: T } | undefined,
): Promise<Reconcile<T>> {
  const before = state.history ? undefined : await call.request('look', async () => state.slot(target).stamp);
  return () =>
    call.request('look', async () => {
      const slot = state.slot(target);
      const found = find(slot);
      if (found !== undefined) {
        return { state: 'applied', ...found };
      }
      return { state: state.history || slot.stamp === before ? 'not-applied' : 'unknown' };
    });
}

/** {@link reconciliation} of a write that makes a version. */
export function reconcileVersion(
  call: Call,
  state: MemoryState,
  target: Target,
  token: string,
): Promise<Reconcile<Revision>> {
  return reconciliation(call, state, target, (slot) => {
    const version = slot.writtenBy(token);
    return version && { result: version.revision };
  });
}

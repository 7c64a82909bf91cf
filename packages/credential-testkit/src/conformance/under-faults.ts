import type { FaultPlan } from '../faults/plan.ts';
import type { ConformanceHarness } from './harness.ts';

/**
 * The same harness, every provider of which meets the faults of a plan: for a run of the whole suite on a bad network.
 * Connecting is spared: the two seconds that it has in all are not always enough for what a mix asks it to wait. Let
 * `openFaulty` give its providers more retries than the default 5: at a fault rate of 0.3 one request in 1,400 would
 * give up, and a case tolerates none.
 */
export function underFaults(harness: ConformanceHarness, faults: FaultPlan): ConformanceHarness {
  const mixed = (plan?: FaultPlan): FaultPlan => ({
    next: (request) =>
      plan?.next(request) ?? (request.operation === 'connect' ? undefined : faults.next(request)),
  });
  return {
    ...harness,
    name: `${harness.name} under faults`,
    open: () => harness.openFaulty(mixed()),
    openFaulty: (plan) => harness.openFaulty(mixed(plan)),
  };
}

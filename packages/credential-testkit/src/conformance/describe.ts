import type { ConformanceHarness } from './harness.ts';
import { type ConformanceCase, conformanceSuite } from './suite.ts';

/** What jest, vitest and node:test have in common. */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>, timeoutMs: number) => unknown;
  /** `afterAll`; node:test calls it `after`. */
  readonly afterAll: (body: () => Promise<void>) => unknown;
}

/** Longest time that a case may take, in milliseconds. node:test has no limit unless it is told one. */
const caseTimeout = 120_000;

/**
 * Hands the conformance suite to a test runner: `describeConformance({ describe, it, afterAll }, harness)`.
 * @throws AssertionError as {@link conformanceSuite}
 */
export function describeConformance(
  { describe, it, afterAll }: TestRunner,
  harness: ConformanceHarness,
): void {
  const { cases, close } = conformanceSuite(harness);
  describe(`${harness.name} conforms`, () => {
    afterAll(close);
    for (const [group, members = []] of Object.entries(byGroup(cases))) {
      describe(group, () => {
        for (const { name, run } of members) {
          it(name, run, caseTimeout);
        }
      });
    }
  });
}

function byGroup(cases: readonly ConformanceCase[]): Partial<Record<string, ConformanceCase[]>> {
  return Object.groupBy(cases, ({ group }) => group);
}

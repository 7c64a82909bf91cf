import assert from 'node:assert/strict';
import type { StorageProvider } from '@nebula/credential-core';
import type { CaseDefinition, CaseGroup } from './case.ts';
import { badArguments } from './cases/arguments.ts';
import { canary } from './cases/canary.ts';
import { concurrency } from './cases/concurrency.ts';
import { conditions } from './cases/conditions.ts';
import { deleted } from './cases/deleted.ts';
import { faults } from './cases/faults.ts';
import { identifiers } from './cases/identifiers.ts';
import { interruption } from './cases/interruption.ts';
import { lifecycle } from './cases/lifecycle.ts';
import { listing } from './cases/listing.ts';
import { metadata } from './cases/metadata.ts';
import { plainValues } from './cases/plain.ts';
import { presence } from './cases/presence.ts';
import { scopes } from './cases/scopes.ts';
import { values } from './cases/values.ts';
import { versions } from './cases/versions.ts';
import { watching } from './cases/watching.ts';
import { createContext } from './context.ts';
import type { ConformanceHarness } from './harness.ts';
import { unsupported } from './unsupported.ts';

const groups: readonly CaseGroup[] = [
  presence,
  values,
  metadata,
  listing,
  scopes,
  identifiers,
  conditions,
  versions,
  deleted,
  watching,
  plainValues,
  badArguments,
  interruption,
  faults,
  concurrency,
  lifecycle,
  canary,
];

/** One case, bound to a harness. Cases run one after another, in any order, each by itself. */
export interface ConformanceCase {
  /** What it is about. */
  readonly group: string;
  /** Unique in the suite. */
  readonly name: string;
  /** @throws AssertionError when the provider does not conform, or does although the case is known to fail. */
  readonly run: () => Promise<void>;
}

/** What {@link conformanceSuite} gives. */
export interface ConformanceSuite {
  readonly cases: readonly ConformanceCase[];
  /** Closes the provider that the cases shared. Call it after the last one. */
  readonly close: () => Promise<void>;
}

/**
 * The contract of `StorageProvider` as cases for any test runner; `describeConformance` hands them to one. Cases store
 * under names of their own and delete them afterwards. For a capability that the provider lacks they assert
 * UNSUPPORTED; none is skipped.
 * @throws AssertionError when `knownFailures` names a case that there is not.
 */
export function conformanceSuite(harness: ConformanceHarness): ConformanceSuite {
  const { knownFailures = {} } = harness;
  let shared: Promise<StorageProvider> | undefined;
  const provider = (): Promise<StorageProvider> => {
    shared ??= openConnected(harness);
    return shared;
  };
  const cases = groups.flatMap(({ group, cases: definitions }) =>
    definitions.map((definition) => ({
      group,
      name: definition.name,
      run: async () => {
        const running = runCase(definition, harness, await provider());
        await (Object.hasOwn(knownFailures, definition.name) ? mustFail(running, definition.name) : running);
      },
    })),
  );
  const names = new Set(cases.map(({ name }) => name));
  const unknown = Object.keys(knownFailures).filter((name) => !names.has(name));
  assert.deepEqual(unknown, [], 'knownFailures names cases that there are not');
  return {
    cases,
    async close() {
      await (await shared)?.close();
    },
  };
}

async function openConnected(harness: ConformanceHarness): Promise<StorageProvider> {
  const provider = await harness.open();
  await provider.connect();
  return provider;
}

async function runCase(
  { needs = [], run }: CaseDefinition,
  harness: ConformanceHarness,
  provider: StorageProvider,
): Promise<void> {
  const { context, cleanUp } = createContext(harness, provider);
  try {
    const missing = needs.filter((need) => !provider.capabilities[need]);
    for (const need of missing) {
      await unsupported[need](context);
    }
    if (missing.length === 0) {
      await run(context);
    }
  } catch (error) {
    // What failed first is what matters.
    await cleanUp().catch(() => undefined);
    throw error;
  }
  await cleanUp();
}

async function mustFail(running: Promise<void>, name: string): Promise<void> {
  const passed = await running.then(
    () => true,
    () => false,
  );
  assert.ok(!passed, `"${name}" passes: take it out of knownFailures`);
}

import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { quietTurbo } from './turbo.ts';
import { root } from './workspace.ts';

/** One package whose tests run. */
export interface Suite {
  /** Name of the package. */
  readonly name: string;
  /** Where its test script leaves jest's JSON. */
  readonly resultFile: string;
}

/** What one package's tests came to. A package without a result has failed. */
export interface SuiteResult {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Why there is no result. */
  readonly missing?: string;
}

/** The packages that turbo would test for these arguments. */
export async function plannedSuites(args: readonly string[]): Promise<Suite[]> {
  const dryRun = await quietTurbo('run', 'test', '--dry=json', ...args);
  if (!dryRun.ok) {
    throw new Error(dryRun.output);
  }
  const plan = JSON.parse(dryRun.stdout) as {
    readonly tasks: readonly {
      readonly task: string;
      readonly package: string;
      readonly command: string;
      readonly directory: string;
    }[];
  };
  return plan.tasks
    .filter(({ task, command }) => task === 'test' && command !== '<NONEXISTENT>')
    .map((task) => ({
      name: task.package,
      resultFile: join(root, task.directory, '.test-results', 'jest.json'),
    }));
}

/** Removes results of an earlier run, so that they cannot stand in for this one's. */
export async function clearResults(suites: readonly Suite[]): Promise<void> {
  await Promise.all(suites.map(({ resultFile }) => rm(resultFile, { force: true })));
}

/** Reads what jest wrote. A test file that could not run counts as one failed test. */
export async function readResult({ name, resultFile }: Suite): Promise<SuiteResult> {
  try {
    const result = JSON.parse(await readFile(resultFile, 'utf8')) as Record<string, unknown>;
    const count = (field: string): number => {
      const value = result[field];
      if (typeof value !== 'number') {
        throw new Error(`${resultFile} has no number ${field}`);
      }
      return value;
    };
    const passed = count('numPassedTests');
    const failed = count('numFailedTests') + count('numRuntimeErrorTestSuites');
    if (passed + failed === 0) {
      throw new Error('no test ran');
    }
    return { name, passed, failed, skipped: count('numPendingTests') + count('numTodoTests') };
  } catch (error) {
    return { name, passed: 0, failed: 1, skipped: 0, missing: reason(error) };
  }
}

function reason(error: unknown): string {
  if (error instanceof Error) {
    return 'code' in error && error.code === 'ENOENT' ? 'its tests left no result' : error.message;
  }
  return String(error);
}

// Tests every package (arguments go to turbo, e.g. --filter), then adds up what jest counted.
import { clearResults, plannedSuites, readResult } from './test-results.ts';
import { turbo } from './turbo.ts';

const args = process.argv.slice(2);
const suites = await plannedSuites(args);
await clearResults(suites);
const code = await turbo(
  'run',
  'test',
  '--continue=dependencies-successful',
  '--output-logs=new-only',
  ...args,
);

let passed = 0;
let failed = 0;
for (const suite of suites) {
  const result = await readResult(suite);
  passed += result.passed;
  failed += result.failed;
  const skipped = result.skipped > 0 ? `, ${result.skipped} skipped` : '';
  console.log(
    `${result.name}: ${result.missing ?? `${result.passed} passed, ${result.failed} failed${skipped}`}`,
  );
}
if (suites.length === 0) {
  failed += 1;
  console.log('No package has a test script here.');
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : code;

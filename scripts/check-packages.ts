// Proves from the packed tarballs what a stranger who installs our packages relies on. Ends with the line
// `N passed, N failed`.
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Consumer, checkCompiles, checkRuns, install } from './packages/consumer.ts';
import { checkEngines, checkFiles, checkManifest, lintPublishing, resolveTypes } from './packages/content.ts';
import { checkDeclared, checkImports, checkInstalled } from './packages/dependencies.ts';
import { nodeBinary, nodeVersions } from './packages/node-versions.ts';
import { type PackedPackage, pack } from './packages/packed.ts';
import { publicPackages } from './workspace.ts';

const started = performance.now();
let passed = 0;
let failed = 0;

/** Runs one check, which gives the problems it found, and reports it. */
async function check(what: string, problems: () => Promise<readonly string[]>): Promise<void> {
  const found = await problems().catch((error: unknown) => [
    error instanceof Error ? error.message : String(error),
  ]);
  if (found.length === 0) {
    passed += 1;
    console.log(`ok      ${what}`);
  } else {
    failed += 1;
    console.log(`FAILED  ${what}`);
    for (const problem of found) {
      console.log(problem.trim().replaceAll(/^/gm, '        '));
    }
  }
}

async function checkTarball(packed: PackedPackage): Promise<void> {
  const { shortName } = packed;
  await check(`${shortName}: holds what it must and nothing else`, () => checkFiles(packed));
  await check(`${shortName}: package.json can be installed anywhere`, () => checkManifest(packed));
  await check(`${shortName}: publint`, () => lintPublishing(packed));
  await check(`${shortName}: types resolve (attw)`, () => resolveTypes(packed));
  await check(`${shortName}: declares only dependencies that its rule allows`, () => checkDeclared(packed));
  await check(`${shortName}: imports only what it declares`, () => checkImports(packed));
}

async function checkInstallation(
  packed: PackedPackage,
  all: readonly PackedPackage[],
  directory: string,
): Promise<void> {
  const { shortName } = packed;
  let consumer: Consumer | undefined;
  await check(`${shortName}: installs alone, without a foreign SDK`, async () => {
    consumer = await install(packed, all, directory);
    return checkInstalled(packed, consumer.installed);
  });
  const installed = consumer;
  if (installed !== undefined) {
    for (const version of nodeVersions) {
      await check(`${shortName}: imports under Node ${version}`, () => checkRuns(installed, version));
    }
    await check(`${shortName}: compiles under nodenext`, () => checkCompiles(installed));
  }
}

/** Runs the jobs, as many at a time as there are cores. */
async function runAll(jobs: readonly (() => Promise<void>)[]): Promise<void> {
  const queue = jobs.values();
  const worker = async () => {
    for (const job of queue) {
      await job();
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

const scratch = await mkdtemp(join(tmpdir(), 'nebula-packages-'));
try {
  const packages = await publicPackages();
  console.log(`Packing ${packages.length} packages, fetching Node ${nodeVersions.join(', ')} if need be ...`);
  const packed: PackedPackage[] = [];
  await runAll([
    ...nodeVersions.map((version) => async () => {
      // Where it fails, the check that needs this Node says so.
      await nodeBinary(version).catch(() => {});
    }),
    ...packages.map(
      (each) => () =>
        check(`${each.shortName}: packs`, async () => {
          packed.push(await pack(each, join(scratch, 'packed')));
          return [];
        }),
    ),
  ]);
  await check('all ask for the same Node', () => checkEngines(packed));
  await runAll(
    packed.flatMap((each) => [
      () => checkInstallation(each, packed, join(scratch, 'installed', each.shortName)),
      () => checkTarball(each),
    ]),
  );
  if (packages.length === 0) {
    failed += 1;
    console.log('FAILED  there is no package under packages/');
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
console.log(`${seconds()} s`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function seconds(): string {
  return ((performance.now() - started) / 1000).toFixed(1);
}

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { run } from '../process.ts';
import { root } from '../workspace.ts';
import type { PackedPackage } from './packed.ts';

/** publint's opinion of the tarball; suggestions count. */
export async function lintPublishing({ tarball, manifest }: PackedPackage): Promise<string[]> {
  const data = new Uint8Array(await readFile(tarball)).buffer;
  const { messages } = await publint({ pack: { tarball: data }, level: 'suggestion' });
  return messages.map((message) => formatMessage(message, { ...manifest }, { color: false }) ?? message.code);
}

/** Whether every entry point has types that TypeScript's module resolutions find; ESM only. */
export async function resolveTypes({ tarball }: PackedPackage): Promise<string[]> {
  const args = ['--profile', 'esm-only', '--format', 'ascii', '--no-emoji', tarball];
  const { ok, output } = await run('attw', args, { cwd: root });
  return ok ? [] : [output];
}

/** Whether the tarball holds what it must and nothing else: no maps, no tests, nothing left from an old build. */
export async function checkFiles({ files, source }: PackedPackage): Promise<string[]> {
  const required = ['package.json', 'README.md', 'LICENSE'];
  const missing = required.filter((name) => !files.includes(name)).map((name) => `${name} is missing`);
  const unexpected: string[] = [];
  let built = 0;
  for (const file of files) {
    const stem = /^dist\/(.+?)(?:\.js|\.d\.ts)$/.exec(file)?.[1];
    if (stem !== undefined) {
      built += 1;
      if (!existsSync(join(source, 'src', `${stem}.ts`))) {
        unexpected.push(`${file} has no source: remove dist and .tsbuildinfo, and build again`);
      }
    } else if (!required.includes(file)) {
      unexpected.push(`${file} should not be in it`);
    }
  }
  return [...missing, ...(built === 0 ? ['dist is empty: build first'] : []), ...unexpected];
}

/** Whether the published package.json installs anywhere and runs nothing when installed. */
export async function checkManifest({ manifest }: PackedPackage): Promise<string[]> {
  const problems: string[] = [];
  for (const kind of [
    'dependencies',
    'optionalDependencies',
    'peerDependencies',
    'devDependencies',
  ] as const) {
    for (const [name, range] of Object.entries(manifest[kind] ?? {})) {
      if (/^(?:workspace|catalog|file|link):/.test(range)) {
        problems.push(`${kind} has ${name}: ${range}, which means nothing outside this workspace`);
      }
    }
  }
  for (const script of ['preinstall', 'install', 'postinstall', 'prepare']) {
    if (manifest.scripts?.[script] !== undefined) {
      problems.push(`the script ${script} would run when it is installed`);
    }
  }
  return problems;
}

/** Whether all packages ask for the same Node: one that asks for less than core does would promise too much. */
export async function checkEngines(all: readonly PackedPackage[]): Promise<string[]> {
  const ranges = new Map(all.map(({ shortName, manifest }) => [shortName, manifest.engines?.['node']]));
  return new Set(ranges.values()).size > 1
    ? [...ranges].map(([name, range]) => `${name}: ${range ?? 'no engines.node'}`)
    : [];
}

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../process.ts';
import { root, runtimeDependencies } from '../workspace.ts';
import { nodeBinary } from './node-versions.ts';
import type { PackedPackage } from './packed.ts';

/** A folder in which somebody installed one package and nothing else. */
export interface Consumer {
  readonly directory: string;
  /** Names of all packages that the installation brought. */
  readonly installed: readonly string[];
  /** What the package can be imported as. */
  readonly entries: readonly string[];
}

/**
 * Installs a package with npm into an empty folder, from its tarball and those of ours that it depends on. npm has to
 * find that their versions satisfy each other's ranges; there is no registry to fall back to.
 * @throws Error with npm's output.
 */
export async function install(
  packed: PackedPackage,
  all: readonly PackedPackage[],
  directory: string,
): Promise<Consumer> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'package.json'), '{ "private": true, "type": "module" }\n');
  const tarballs = withDependencies(packed, all).map(({ tarball }) => tarball);
  const args = ['install', '--prefix', directory, '--no-audit', '--no-fund', '--prefer-offline', ...tarballs];
  const { ok, output } = await run('npm', args, { cwd: directory });
  if (!ok) {
    throw new Error(output);
  }
  const lock = JSON.parse(await readFile(join(directory, 'node_modules', '.package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, unknown>>;
  };
  return {
    directory,
    installed: Object.keys(lock.packages).map((path) => path.split('node_modules/').at(-1) ?? path),
    entries: Object.keys(packed.manifest.exports ?? {})
      .filter((path) => path !== './package.json')
      .map((path) => path.replace(/^\./, packed.manifest.name)),
  };
}

/** Imports every entry point under a Node of this version. Each must export something, and none may print a thing. */
export async function checkRuns({ directory, entries }: Consumer, version: string): Promise<string[]> {
  const file = join(directory, `import-${version}.js`);
  const lines = entries.map((entry, index) => `import * as entry${index} from '${entry}';`);
  const names = entries.map((entry, index) => `'${entry}': Object.keys(entry${index})`);
  await writeFile(file, `${lines.join('\n')}\nconsole.log(JSON.stringify({ ${names.join(', ')} }));\n`);
  const { ok, stdout, output } = await run(await nodeBinary(version), [file], { cwd: directory });
  if (!ok) {
    return [output];
  }
  if (output !== stdout || stdout.trim().includes('\n')) {
    return [`importing it prints: ${output}`];
  }
  const exported = JSON.parse(stdout) as Readonly<Record<string, readonly string[]>>;
  return entries.filter((entry) => exported[entry]?.length === 0).map((entry) => `${entry} exports nothing`);
}

/** Compiles a file that uses the package, strictly and with all declaration files checked, under nodenext. */
export async function checkCompiles({ directory, entries }: Consumer): Promise<string[]> {
  const lines = entries.flatMap((entry, index) => [
    `import * as entry${index} from '${entry}';`,
    `export type * as Types${index} from '${entry}';`,
    `export const names${index}: string[] = Object.keys(entry${index});`,
  ]);
  await writeFile(join(directory, 'consumer.ts'), `${lines.join('\n')}\n`);
  const config = {
    compilerOptions: {
      module: 'nodenext',
      target: 'es2024',
      strict: true,
      skipLibCheck: false,
      noEmit: true,
      typeRoots: [join(root, 'node_modules', '@types')],
      types: ['node'],
    },
    files: ['consumer.ts'],
  };
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(config));
  const { ok, output } = await run('tsc', ['--project', directory, '--pretty', 'false'], { cwd: directory });
  return ok ? [] : [output];
}

function withDependencies(packed: PackedPackage, all: readonly PackedPackage[]): PackedPackage[] {
  const needed = new Set([packed]);
  for (const each of needed) {
    for (const name of runtimeDependencies(each.manifest)) {
      const found = all.find(({ manifest }) => manifest.name === name);
      if (found !== undefined) {
        needed.add(found);
      }
    }
  }
  return [...needed];
}

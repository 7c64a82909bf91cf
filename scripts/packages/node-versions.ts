import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../process.ts';
import { root } from '../workspace.ts';

/** The releases that every package must work on. */
export const nodeVersions = ['22.23.3', '24.21.0', '26.10.0'] as const;

/**
 * Path of a Node of this version; npm's package `node` brings it, once, into a cache under node_modules.
 * @throws Error with npm's output when it cannot be had.
 */
export async function nodeBinary(version: string): Promise<string> {
  const directory = join(root, 'node_modules', '.cache', 'nodes', version);
  const binary = join(
    directory,
    'node_modules',
    'node',
    'bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  );
  if (!existsSync(binary)) {
    await mkdir(directory, { recursive: true });
    // The package's preinstall fetches the binary for this platform, as a package too; newer npm wants that allowed.
    await writeFile(
      join(directory, 'package.json'),
      '{ "private": true, "allowScripts": { "node": true } }\n',
    );
    const args = ['install', '--prefix', directory, '--ignore-scripts=false', `node@${version}`];
    const { ok, output } = await run('npm', args, { cwd: directory });
    if (!ok || !existsSync(binary)) {
      throw new Error(`npm could not install node@${version}:\n${output}`);
    }
  }
  return binary;
}

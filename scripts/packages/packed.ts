import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../process.ts';
import { type Manifest, type PublicPackage, readManifest } from '../workspace.ts';

/** A package as it would be published. */
export interface PackedPackage {
  readonly shortName: string;
  /** Folder of its sources. */
  readonly source: string;
  readonly tarball: string;
  /** Folder with the tarball's content. */
  readonly content: string;
  /** Paths in the tarball, with `/`. */
  readonly files: readonly string[];
  /** As published: without `workspace:` and `catalog:`. */
  readonly manifest: Manifest;
}

/** Packs a package into a folder of its own under `parent`, and unpacks it there. */
export async function pack({ shortName, directory }: PublicPackage, parent: string): Promise<PackedPackage> {
  const target = join(parent, shortName);
  await mkdir(target, { recursive: true });
  await mustRun('pnpm', ['pack', '--pack-destination', target], directory);
  const [archive, ...others] = (await readdir(target)).filter((name) => name.endsWith('.tgz'));
  if (archive === undefined || others.length > 0) {
    throw new Error(`pnpm pack of ${shortName} did not leave one tarball in ${target}`);
  }
  await mustRun('tar', ['-xzf', archive], target);
  const content = join(target, 'package');
  const entries = await readdir(content, { recursive: true, withFileTypes: true });
  return {
    shortName,
    source: directory,
    tarball: join(target, archive),
    content,
    files: entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(content.length + 1)
          .replaceAll('\\', '/'),
      ),
    manifest: await readManifest(content),
  };
}

async function mustRun(command: string, args: readonly string[], cwd: string): Promise<void> {
  const { ok, output } = await run(command, args, { cwd });
  if (!ok) {
    throw new Error(`${command} ${args.join(' ')} failed in ${cwd}:\n${output}`);
  }
}

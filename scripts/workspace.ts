import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** Folder of the workspace. */
export const root: string = resolve(import.meta.dirname, '..');

/** What the scripts read of a package.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly engines?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** A package that is published. */
export interface PublicPackage {
  /** Without the scope and the `credential-` that all share: `core`, `local`. */
  readonly shortName: string;
  readonly directory: string;
  readonly manifest: Manifest;
}

export async function readManifest(directory: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as Manifest;
}

/** Every package under packages/ that is not private. */
export async function publicPackages(): Promise<PublicPackage[]> {
  const parent = join(root, 'packages');
  const found: PublicPackage[] = [];
  for (const entry of await readdir(parent, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      const directory = join(parent, entry.name);
      const manifest = await readManifest(directory);
      if (manifest.private !== true) {
        found.push({ shortName: manifest.name.replace('@nebula/credential-', ''), directory, manifest });
      }
    }
  }
  return found;
}

/** Everything that an installation of the package brings or asks for. */
export function runtimeDependencies(manifest: Manifest): string[] {
  return Object.keys({
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.peerDependencies,
  });
}

import { readFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import ts from 'typescript';
import { runtimeDependencies } from '../workspace.ts';
import type { PackedPackage } from './packed.ts';
import { corePackage, ownOfOthers, rules, shared } from './rules.ts';

/** Whether the package asks for no more than its rule allows. */
export async function checkDeclared({ shortName, manifest }: PackedPackage): Promise<string[]> {
  const rule = rules[shortName];
  if (rule === undefined) {
    return [`there is no rule for it: add what it may depend on to scripts/packages/rules.ts`];
  }
  const allowed = [...rule.own, ...shared, ...(manifest.name === corePackage ? [] : [corePackage])];
  return runtimeDependencies(manifest)
    .filter((name) => !allowed.includes(name))
    .map((name) => `it depends on ${name}; allowed: ${allowed.join(', ')}`);
}

/** Whether the code and the types import only what package.json declares, and Node's modules as `node:`. */
export async function checkImports({ content, files, manifest }: PackedPackage): Promise<string[]> {
  const declared = runtimeDependencies(manifest);
  const problems: string[] = [];
  for (const file of files.filter((name) => /\.[jt]s$/.test(name))) {
    const { importedFiles, typeReferenceDirectives } = ts.preProcessFile(
      await readFile(join(content, file), 'utf8'),
      true,
      true,
    );
    for (const { fileName } of importedFiles) {
      if (fileName.startsWith('.') || fileName.startsWith('node:')) {
        continue;
      }
      const name = packageOf(fileName);
      if (builtinModules.includes(name)) {
        problems.push(`${file} imports ${fileName} without node:`);
      } else if (!declared.includes(name)) {
        problems.push(`${file} imports ${fileName}, which package.json does not declare`);
      }
    }
    for (const { fileName } of typeReferenceDirectives) {
      if (fileName !== 'node') {
        problems.push(`${file} refers to the types of ${fileName}`);
      }
    }
  }
  return problems;
}

/** Whether an installation brought no package of ours but core, and no other package's SDK at any depth. */
export function checkInstalled(
  { shortName, manifest }: PackedPackage,
  installed: readonly string[],
): string[] {
  const foreign = ownOfOthers(shortName);
  return installed
    .filter(
      (name) =>
        foreign.includes(name) ||
        (name.startsWith('@nebula/') && name !== corePackage && name !== manifest.name),
    )
    .map((name) => `installing it brings ${name}`);
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';

/** Makes folders for the tests of a file, and removes them when it is done. */
export function temporaryDirectories(): (name?: string) => string {
  const made: string[] = [];
  afterAll(() => {
    for (const path of made) {
      rmSync(path, { recursive: true, force: true });
    }
  });
  return (name = 'storage') => {
    const parent = mkdtempSync(join(tmpdir(), 'nebula-local-'));
    made.push(parent);
    return join(parent, name);
  };
}

/** Every file below a folder, relative to it, in order. */
export function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}

// Keeps the code in README files and docs the same as the files in examples/, which are compiled and run. A block to
// fill stands after a comment that names its file: <!-- examples/src/first.ts -->. With --check it only compares.
import { glob, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const block = /^(<!-- (\S+\.ts) -->\n```ts\n)[\s\S]*?(^```$)/gm;
const check = process.argv.includes('--check');
let differing = 0;

for await (const page of glob(['README.md', 'docs/*.md', 'packages/*/README.md'], { cwd: root })) {
  const text = await readFile(join(root, page), 'utf8');
  const code = new Map<string, string>();
  for (const [, , file = ''] of text.matchAll(block)) {
    code.set(file, await readFile(join(root, file), 'utf8'));
  }
  const filled = text.replace(
    block,
    (_all, head: string, file: string, tail: string) => head + code.get(file) + tail,
  );
  if (filled !== text) {
    differing += 1;
    console.log(`${page}: ${check ? 'differs from the examples; run: npx pnpm@12 embed' : 'rewritten'}`);
    if (!check) {
      await writeFile(join(root, page), filled);
    }
  }
}
process.exitCode = check && differing > 0 ? 1 : 0;

import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from '@jest/globals';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nebula-examples-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Runs an example in the empty directory; fails when it fails. */
async function run(name: string): Promise<string> {
  const script = join(import.meta.dirname, '..', 'src', `${name}.ts`);
  const env = { ...process.env, TMPDIR: directory, NO_COLOR: '1' };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script], { cwd: directory, env });
  expect(stderr).toBe('');
  return stdout;
}

it('first: stores, reads and lists, also the second time', async () => {
  const expected = '[redacted] holds a token\ngithub/token\n';
  expect([await run('first'), await run('first')]).toEqual([expected, expected]);
});

it('open: a provider from a URL sees what another wrote', async () => {
  await run('first');
  expect(await run('open')).toBe('github/token\n');
});

it('keys: rotates from one key to another', async () => {
  expect(await run('keys')).toBe('1: github/token rotated\n1 rotated, 0 failed\n');
});

it('update: no change of three is lost', async () => {
  expect(await run('update')).toBe('3\n');
});

it('demo: a tour that ends well and leaves nothing behind', async () => {
  const tour = await run('demo');
  expect(tour).toMatch(/holds the token: no/);
  expect(tour).toMatch(/as stored: yes/);
  expect(tour).toMatch(/code: (?:DECRYPTION_FAILED|CORRUPTED)/);
  expect(tour).toMatch(/code: CONFLICT/);
  expect(tour).toMatch(/put back: 40 bytes/);
  expect(tour).toMatch(/What next/);
  expect(await readdir(directory)).toEqual([]);
});

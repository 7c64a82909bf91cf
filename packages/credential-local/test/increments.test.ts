import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { LocalStorageProvider } from '../src/provider.ts';
import { temporaryDirectories } from './directories.ts';
import { recordOf } from './records.ts';

const INCREMENTS = process.env['NEBULA_FULL'] === '1' ? 10_000 : 400;
const temporaryDirectory = temporaryDirectories();
const program = fileURLToPath(new URL('children/incrementer.ts', import.meta.url));

describe.each(['kernel', 'file'] as const)('%s locks', (locking) => {
  it('lose no increment of two processes', async () => {
    const directory = temporaryDirectory();
    await using provider = new LocalStorageProvider({ directory, locking });
    await provider.store('counter-0', recordOf());
    // Both of one counter: each increment is a race.
    await Promise.all([0, 1].map(() => increments(directory, locking, INCREMENTS / 2)));
    const { metadata, revision } = await provider.head('counter-0');
    expect(metadata.tags).toEqual({ shared: String(INCREMENTS) });
    expect(revision).toMatch(new RegExp(`^${INCREMENTS + 1}\\.`));
  }, 3_600_000);
});

async function increments(directory: string, locking: string, count: number): Promise<void> {
  const args = ['--no-warnings', program, directory, locking, 'shared', String(count)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
}

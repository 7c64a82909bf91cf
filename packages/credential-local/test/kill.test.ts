import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { LocalStorageProvider } from '../src/provider.ts';
import { filesBelow, temporaryDirectories } from './directories.ts';
import { recordOf } from './records.ts';

const full = process.env['NEBULA_FULL'] === '1';
const ROUNDS = full ? 1_000 : 12;
const CREDENTIALS = 3;
const temporaryDirectory = temporaryDirectories();
const program = fileURLToPath(new URL('children/incrementer.ts', import.meta.url));

/** A process that increments until it is killed, and the last value of each credential that it acknowledged. */
class Victim {
  readonly counter: string;
  readonly acknowledged = new Map<string, number>();
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #stderr = '';
  #buffer = '';

  constructor(directory: string, locking: string, counter: string, versions: number) {
    this.counter = counter;
    const args = [program, directory, locking, counter, '0', String(CREDENTIALS), String(versions)];
    this.#child = spawn(process.execPath, ['--no-warnings', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#ended = once(this.#child, 'close');
    this.#child.stderr?.on('data', (data) => {
      this.#stderr += String(data);
    });
    this.#child.stdout?.on('data', (data) => this.#read(String(data)));
  }

  async working(): Promise<void> {
    await Promise.race([once(this.#child.stdout as NodeJS.ReadableStream, 'data'), this.#ended]);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
    expect({ signal: this.#child.signalCode, stderr: this.#stderr }).toEqual({
      signal: 'SIGKILL',
      stderr: '',
    });
  }

  #read(text: string): void {
    const lines = (this.#buffer + text).split('\n');
    this.#buffer = lines.pop() ?? '';
    for (const line of lines) {
      const [id = '', value = ''] = line.split(' ');
      this.acknowledged.set(id, Number(value));
    }
  }
}

describe.each([
  ['kernel', 0],
  ['file', 0],
  ['kernel', 2],
  ['file', 2],
] as const)('two writers that are killed, %s locks, %d versions kept', (locking, versions) => {
  it('lose nothing that was acknowledged and leave nothing behind', async () => {
    const directory = temporaryDirectory();
    const ids = Array.from({ length: CREDENTIALS }, (_, index) => `counter-${index}`);
    const expected = new Map<string, number>();
    let interrupted = 0;
    await using first = new LocalStorageProvider({ directory, locking, versions });
    for (const id of ids) {
      await first.store(id, recordOf());
    }
    for (let round = 0; round < (versions > 0 ? Math.ceil(ROUNDS / 10) : ROUNDS); round += 1) {
      const victims = ['a', 'b'].map((counter) => new Victim(directory, locking, counter, versions));
      await Promise.all(victims.map((victim) => victim.working()));
      const reading = readUntil(
        first,
        ids,
        new Promise((resolve) => setTimeout(resolve, Math.random() * 40)),
      );
      await Promise.all(
        victims.map(async (victim) => {
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
          await victim.kill();
        }),
      );
      await reading;
      interrupted += Number(filesBelow(directory).some(isLeftover));
      await using next = new LocalStorageProvider({ directory, locking, versions });
      await next.connect();
      const files = filesBelow(directory);
      expect(files.filter(isLeftover)).toEqual([]);
      // Those of the two providers that are open.
      expect(files.filter((path) => path.endsWith('.holder')).length).toBeLessThanOrEqual(2);
      for (const id of ids) {
        const { metadata, revision } = await next.head(id);
        for (const { counter, acknowledged } of victims) {
          const stored = Number(metadata.tags[counter] ?? '0');
          const least = acknowledged.get(id) ?? expected.get(`${id} ${counter}`) ?? 0;
          // One more: its writer was killed after it was written and before it said so.
          expect(stored - least).toBeGreaterThanOrEqual(0);
          expect(stored - least).toBeLessThanOrEqual(1);
          expected.set(`${id} ${counter}`, stored);
        }
        // Nobody holds its lock any more.
        await next.store(id, recordOf(metadata.tags), {}, { ifRevision: revision });
      }
    }
    // Else nothing was proven: some must have been killed with a temporary file or a lock.
    expect(interrupted).toBeGreaterThan(full ? 0 : -1);
  }, 3_600_000);
});

/** Every read gives a whole credential. */
async function readUntil(
  provider: LocalStorageProvider,
  ids: readonly string[],
  end: Promise<unknown>,
): Promise<void> {
  let ended = false;
  void end.then(() => {
    ended = true;
  });
  while (!ended) {
    for (const id of ids) {
      expect((await provider.retrieve(id)).id).toBe(id);
    }
  }
}

/** Lock files of the kernel stay; the file of a provider that is open is its own. */
function isLeftover(path: string): boolean {
  return !/^(?:counter-\d+\.json|\.nebula-locks\/(?:\d\d|kernel|file|[0-9a-f]{24}\.holder)|\.nebula-history\/counter-\d+\.json\/\d+\.json)$/.test(
    path,
  );
}

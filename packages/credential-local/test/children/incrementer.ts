/**
 * Adds one to its counter in each of some credentials in turn, by compare-and-set, and says so after each success.
 * Arguments: folder, kind of locks, name of its counter, number of increments (0: until killed), number of credentials,
 * versions to keep.
 */
import { writeSync } from 'node:fs';
import { hasCode } from '@nebula/credential-core';
import type { Locking } from '../../src/config.ts';
import { LocalStorageProvider } from '../../src/provider.ts';
import { recordOf } from '../records.ts';

const [directory = '', locking = 'auto', counter = '', limit = '0', credentials = '1', versions = '0'] =
  process.argv.slice(2);
const provider = new LocalStorageProvider({
  directory,
  locking: locking as Locking,
  versions: Number(versions),
  timeouts: { write: 60_000, read: 60_000 },
});

async function increment(id: string): Promise<number> {
  for (;;) {
    const { metadata, revision } = await provider.head(id);
    const next = Number(metadata.tags[counter] ?? '0') + 1;
    const record = recordOf({ ...metadata.tags, [counter]: String(next) });
    try {
      await provider.store(id, record, {}, { ifRevision: revision });
      return next;
    } catch (error) {
      if (!hasCode(error, 'CONFLICT')) {
        throw error;
      }
    }
  }
}

for (let done = 0; done < Number(limit) || limit === '0'; done += 1) {
  const id = `counter-${done % Number(credentials)}`;
  const value = await increment(id);
  // At once, and not through a stream: what was acknowledged must be known when the process is killed.
  writeSync(1, `${id} ${value}\n`);
}
await provider.close();

// What local files cost: stores, reads and listings beside the least that the same promise takes, and beside packages
// that keep values in files. All take turns in one loop, so that what slows the machine slows all of them alike.
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CredentialId,
  CredentialManager,
  type EncryptedRecord,
  EncryptionKey,
  EncryptionManager,
} from '@nebula/credential-core';
import { LocalStorageProvider } from '@nebula/credential-local';
import Conf from 'conf';
import { Keyv } from 'keyv';
import { KeyvFile } from 'keyv-file';
import { createStorage } from 'unstorage';
import fsDriver from 'unstorage/drivers/fs';
import writeFileAtomic from 'write-file-atomic';

interface Contender {
  readonly task: string;
  readonly run: (round: number) => Promise<unknown>;
}

/** Credentials in the listings. */
const MANY = 10_000;
const value = randomBytes(768).toString('base64');
const home = await mkdtemp(join(tmpdir(), 'nebula-benchmark-'));
const encryption = new EncryptionManager({ primary: EncryptionKey.generate() });
const rows: Record<string, string | number>[] = [];
try {
  await single();
  await listings();
} finally {
  await rm(home, { recursive: true, force: true });
}
if (process.argv.includes('--json')) {
  console.log(JSON.stringify(rows));
} else {
  console.table(rows);
}

async function single(): Promise<void> {
  const ids = Array.from({ length: 20 }, (_, index) => `service-${index}/token`);
  const idOf = (round: number): string => ids[round % ids.length] as string;
  const open = (name: string, options: object) => {
    const provider = new LocalStorageProvider({ directory: join(home, name), ...options });
    return new CredentialManager({ provider, encryption });
  };
  const kernel = open('kernel', { locking: 'kernel' });
  const file = open('file', { locking: 'file' });
  const versions = open('versions', { locking: 'kernel', versions: 5 });
  const unstorage = createStorage({ driver: fsDriver({ base: join(home, 'unstorage') }) });
  const conf = new Conf<Record<string, string>>({
    cwd: join(home, 'conf'),
    projectName: 'x',
    accessPropertiesByDotNotation: false,
  });
  const keyv = new Keyv({ store: new KeyvFile({ filename: join(home, 'keyv.json'), writeDelay: 0 }) });
  for (const id of ids) {
    for (const manager of [kernel, file, versions]) {
      await manager.store(id, value);
    }
    await unstorage.setItem(id, value);
    conf.set(id, value);
    await keyv.set(id, value);
  }
  const folder = join(home, 'kernel');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  const text = await readFile(join(folder, names[0] as string), 'utf8');

  await compare('store 768 bytes', 1_500, [
    { task: 'floor: open, write, fsync, rename, folder fsync', run: () => writeDurably(home, text) },
    { task: 'credential-local', run: (round) => kernel.store(idOf(round), value) },
    { task: 'credential-local, lock files', run: (round) => file.store(idOf(round), value) },
    { task: 'credential-local, 5 versions', run: (round) => versions.store(idOf(round), value) },
    {
      task: 'write-file-atomic, then folder fsync (not encrypted, not locked)',
      run: (round) => writeAtomic(join(home, idOf(round).replace('/', '+')), text),
    },
    {
      task: 'unstorage fs (not durable, not encrypted)',
      run: (round) => unstorage.setItem(idOf(round), value),
    },
    { task: 'conf (not encrypted)', run: async (round) => conf.set(idOf(round), value) },
    { task: 'keyv-file (not durable, not encrypted)', run: (round) => keyv.set(idOf(round), value) },
  ]);
  await compare('retrieve 768 bytes', 5_000, [
    {
      task: 'floor: read, parse, decrypt',
      run: async (round) => {
        const document = JSON.parse(
          await readFile(join(folder, names[round % names.length] as string), 'utf8'),
        );
        const { id, record } = document as { id: CredentialId; record: EncryptedRecord };
        return encryption.decrypt(record, { id, scope: undefined });
      },
    },
    { task: 'credential-local', run: (round) => kernel.retrieve(idOf(round)) },
    { task: 'unstorage fs (not encrypted)', run: (round) => unstorage.getItem(idOf(round)) },
    { task: 'conf (not encrypted)', run: async (round) => conf.get(idOf(round)) },
    { task: 'keyv-file (in memory, not encrypted)', run: (round) => keyv.get(idOf(round)) },
  ]);
  await Promise.all([kernel, file, versions].map(({ provider }) => provider.close()));
}

async function listings(): Promise<void> {
  const directory = join(home, 'many');
  const provider = new LocalStorageProvider({ directory });
  const manager = new CredentialManager({ provider, encryption });
  await manager.store('template', value);
  const template = JSON.parse(await readFile(join(directory, 'template.json'), 'utf8'));
  const unstorageFolder = join(home, 'unstorage-many');
  const unstorage = createStorage({ driver: fsDriver({ base: unstorageFolder }) });
  await manager.delete('template');
  await unstorage.setItem('prod+service-0+token.json', value);
  for (let index = 0; index < MANY; index += 1) {
    // Written as they lie: what is measured is reading them.
    const document = structuredClone(template);
    document.id = `prod/service-${index}/token`;
    document.record.meta.tags = { team: `team-${index % 100}`, stage: index % 2 ? 'production' : 'staging' };
    const name = `prod+service-${index}+token.json`;
    await writeFile(join(directory, name), JSON.stringify(document), { mode: 0o600 });
    await writeFile(join(unstorageFolder, name), value);
  }
  const filter = { tags: { team: 'team-42', stage: 'staging' } };
  const cold = performance.now();
  await count(manager.list(filter), MANY / 100);
  rows.push(
    row(`list ${MANY} by tag`, 'credential-local, first time', [performance.now() - cold], undefined),
  );
  // Until the folder has been at rest for a tick of the clock, its files are looked at one by one.
  await new Promise((resolve) => setTimeout(resolve, 100));
  await count(manager.list(filter), MANY / 100);

  await compare(`list ${MANY}`, 60, [
    { task: 'floor: readdir', run: () => readdir(directory) },
    { task: 'credential-local', run: () => count(manager.list(), MANY) },
    { task: 'unstorage fs, getKeys', run: () => unstorage.getKeys() },
  ]);
  await compare(`list ${MANY} by tag`, 60, [
    { task: 'floor: readdir', run: () => readdir(directory) },
    { task: 'credential-local', run: () => count(manager.list(filter), MANY / 100) },
  ]);
  await compare(
    `list ${MANY} after a write`,
    30,
    [
      { task: 'floor: readdir', run: () => readdir(directory) },
      { task: 'credential-local', run: () => count(manager.list(), MANY) },
    ],
    () => manager.store('other', value),
  );
  await compare(
    `list ${MANY} by tag after a write`,
    20,
    [
      { task: 'floor: readdir', run: () => readdir(directory) },
      {
        task: 'credential-local',
        run: () => count(manager.list(filter), MANY / 100),
      },
    ],
    () => manager.store('other', value),
  );
  await provider.close();
}

async function count(found: AsyncIterable<unknown>, expected: number): Promise<void> {
  let number = 0;
  for await (const _ of found) {
    number += 1;
  }
  if (number !== expected && number !== expected + 1) {
    throw new Error(`listed ${number} of ${expected}`);
  }
}

async function writeDurably(folder: string, text: string): Promise<void> {
  const path = join(folder, 'floor.json');
  const file = await open(`${path}.new`, 'w', 0o600);
  await file.writeFile(text);
  await file.sync();
  await file.close();
  await rename(`${path}.new`, path);
  await syncFolder(folder);
}

async function writeAtomic(path: string, text: string): Promise<void> {
  await writeFileAtomic(path, text, { mode: 0o600 });
  await syncFolder(home);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync();
  await folder.close();
}

/**
 * Runs all in turns, each round in another order: what one leaves behind (dirty pages, garbage) falls on each of the
 * others alike. The first is the floor. A fifth of the rounds is for warming up.
 */
async function compare(
  group: string,
  rounds: number,
  contenders: readonly Contender[],
  before: () => Promise<unknown> = async () => undefined,
): Promise<void> {
  const samples = contenders.map(() => [] as number[]);
  for (let round = -Math.ceil(rounds / 5); round < rounds; round += 1) {
    for (const [index, { run }] of shuffled([...contenders.entries()])) {
      await before();
      const start = performance.now();
      await run(Math.abs(round));
      if (round >= 0) {
        samples[index]?.push(performance.now() - start);
      }
    }
  }
  for (const [index, { task }] of contenders.entries()) {
    rows.push(row(group, task, samples[index] ?? [], samples[0]));
  }
}

function shuffled<T>(items: readonly T[]): readonly T[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

function row(group: string, task: string, samples: readonly number[], floor: readonly number[] | undefined) {
  const [p50, p95] = [percentile(samples, 0.5), percentile(samples, 0.95)];
  return {
    group,
    task,
    'p50 ms': p50.toFixed(3),
    'p95 ms': p95.toFixed(3),
    'p50 to floor': floor === undefined ? '' : (p50 / percentile(floor, 0.5)).toFixed(2),
    'p95 to floor': floor === undefined ? '' : (p95 / percentile(floor, 0.95)).toFixed(2),
  };
}

function percentile(samples: readonly number[], part: number): number {
  return [...samples].sort((a, b) => a - b)[Math.floor(samples.length * part)] ?? Number.NaN;
}

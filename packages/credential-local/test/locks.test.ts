import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { FileLocks } from '../src/file-lock.ts';
import { KernelLocks, loadKernelLocks } from '../src/kernel-lock.ts';
import { checkLocks, isLock, type Lock, type Locks, lockName, openLocks } from '../src/lock.ts';
import { isProvablyDead, type ProcessIdentity, processIdentity } from '../src/process-identity.ts';
import { temporaryDirectories } from './directories.ts';

const temporaryDirectory = temporaryDirectories();

function newFolder(): string {
  const folder = temporaryDirectory('.nebula-locks');
  mkdirSync(folder);
  return folder;
}

async function acquired(locks: Locks, name: string): Promise<Lock> {
  for (let tries = 0; tries < 10; tries += 1) {
    const lock = await locks.tryAcquire(name);
    if (isLock(lock)) {
      return lock;
    }
  }
  throw new Error(`the lock ${name} is held`);
}

/** The id of a process that has ended, and was collected. */
function deadPid(): number {
  return spawnSync(process.execPath, ['--version']).pid;
}

async function holder(changes: Partial<ProcessIdentity>): Promise<{ token: string } & ProcessIdentity> {
  return { token: randomBytes(12).toString('hex'), ...(await processIdentity()), ...changes };
}

describe.each(['kernel', 'file'] as const)('%s locks', (kind) => {
  it('are had by one at a time, also in one process', async () => {
    const folder = newFolder();
    const [one, two] = [await openLocks(join(folder, 'x'), kind), await openLocks(join(folder, 'x'), kind)];
    const lock = await acquired(one, '07');
    expect(await one.tryAcquire('07')).toBeUndefined();
    expect(await two.tryAcquire('07')).toBeUndefined();
    const other = await acquired(two, '08');
    await lock.release();
    await (await acquired(two, '07')).release();
    await other.release();
    await one.close();
    await two.close();
    expect(readdirSync(join(folder, 'x')).filter((name) => !/^(?:\d\d|kernel|file)$/.test(name))).toEqual([]);
  });

  it('come back when their folder was removed by hand', async () => {
    const folder = newFolder();
    const path = join(folder, 'x');
    const locks = await openLocks(path, kind);
    await (await acquired(locks, '07')).release();
    rmSync(path, { recursive: true });
    mkdirSync(path);
    await (await acquired(locks, '07')).release();
    const lock = await acquired(locks, '07');
    const later = kind === 'file' ? new FileLocks(path) : new KernelLocks(path, native());
    expect(await later.tryAcquire('07')).toBeUndefined();
    await lock.release();
    await (await acquired(later, '07')).release();
    await locks.close();
    await later.close();
  });
});

function native(): NonNullable<ReturnType<typeof loadKernelLocks>> {
  const loaded = loadKernelLocks();
  if (loaded === undefined) {
    throw new Error('fs-native-extensions has no build for this system');
  }
  return loaded;
}

describe('the kind of locks', () => {
  it('is that of the first process for all', async () => {
    for (const first of ['kernel', 'file'] as const) {
      const folder = join(newFolder(), 'x');
      await checkLocks(folder, 'auto');
      expect(existsSync(folder)).toBe(false);
      await (await openLocks(folder, first)).close();
      const second = await openLocks(folder, 'auto');
      expect(second).toBeInstanceOf(first === 'file' ? FileLocks : KernelLocks);
      const other = first === 'file' ? 'kernel' : 'file';
      for (const open of [checkLocks, openLocks]) {
        await expect(open(folder, other)).rejects.toMatchObject({
          code: 'INVALID_CONFIG',
          issues: [
            { path: 'locking', message: `is '${other}', but others use this directory with '${first}'` },
          ],
        });
      }
    }
  });

  it('is agreed on when all come at once', async () => {
    for (let round = 0; round < 20; round += 1) {
      const folder = join(newFolder(), 'x');
      const opened = await Promise.allSettled(
        Array.from({ length: 8 }, (_, index) => openLocks(folder, index % 2 === 0 ? 'kernel' : 'file')),
      );
      const kinds = opened.flatMap((result) =>
        result.status === 'fulfilled' ? result.value.constructor.name : [],
      );
      expect(new Set(kinds).size).toBe(1);
      expect(kinds).toHaveLength(4);
      expect(readdirSync(join(folder, '..'))).toEqual(['x']);
    }
  });

  it('spreads credentials over 64 locks', () => {
    const names = new Set(Array.from({ length: 5_000 }, (_, index) => lockName(`/${index}.json`)));
    expect(names.size).toBe(64);
    expect([...names].every((name) => /^[0-6]\d$/.test(name))).toBe(true);
  });
});

describe('the death of a process', () => {
  it.each<[string, Partial<ProcessIdentity>, boolean]>([
    ['this process', {}, false],
    ['its id was given to another', { start: '1' }, true],
    ['the machine was started anew', { boot: 'another' }, true],
    ['another host', { host: 'elsewhere', boot: 'another' }, false],
    ['another container', { pidNamespace: 'pid:[1]', pid: 999_999_999 }, false],
    ['no start known', { start: undefined }, false],
  ])('%s: %j is %j', async (_what, changes, dead) => {
    expect(await isProvablyDead({ ...(await processIdentity()), ...changes })).toBe(dead);
  });

  it('is known of one that has ended', async () => {
    expect(await isProvablyDead({ ...(await processIdentity()), pid: deadPid() })).toBe(true);
  });

  it('is known of one that nobody has collected', async () => {
    // A shell that becomes a program which does not wait for the child that the shell began.
    const script = 'sleep 0.2 & echo $!; exec sleep 30';
    const { spawn } = await import('node:child_process');
    const parent = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [data] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(String(data));
    try {
      while (process.platform === 'linux' && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const identity = { ...(await processIdentity()), start: undefined, pid };
      expect(await isProvablyDead(identity)).toBe(process.platform === 'linux');
    } finally {
      parent.kill('SIGKILL');
    }
  });
});

describe('lock files', () => {
  it.each(['pass on', 'are swept'])(
    'of a dead holder %s, and so do the guards of those who died passing them on',
    async (how) => {
      const folder = newFolder();
      const dead = await Promise.all(Array.from({ length: 4 }, () => holder({ pid: deadPid() })));
      const [lock, guard, second] = dead as [(typeof dead)[0], (typeof dead)[0], (typeof dead)[0]];
      writeFileSync(join(folder, '07.lock'), JSON.stringify(lock));
      writeFileSync(join(folder, `${lock.token}.guard`), JSON.stringify(guard));
      writeFileSync(join(folder, `${guard.token}.guard`), JSON.stringify(second));
      const locks = new FileLocks(folder);
      if (how === 'are swept') {
        await locks.sweep();
        expect(existsSync(join(folder, '07.lock'))).toBe(false);
      } else {
        await (await acquired(locks, '07')).release();
      }
      await locks.close();
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  it('of a holder that may live elsewhere stay, and say whose they are', async () => {
    const folder = newFolder();
    const foreign = await holder({ host: 'elsewhere', pid: deadPid() });
    const file = join(folder, '07.lock');
    const locks = new FileLocks(folder);
    writeFileSync(file, JSON.stringify(foreign));
    expect(await locks.tryAcquire('07')).toEqual({
      file,
      holder: expect.stringContaining(`process ${foreign.pid} on host elsewhere`),
    });
    writeFileSync(file, '{"token":');
    expect(await locks.tryAcquire('07')).toEqual({ file, holder: 'an unknown process' });
    await locks.sweep();
    expect(existsSync(file)).toBe(true);
    await locks.close();
  });

  it('of a living holder stay, whatever a slow waiter has seen', async () => {
    const folder = newFolder();
    const [one, two] = [new FileLocks(folder), new FileLocks(folder)];
    const dead = await holder({ pid: deadPid() });
    writeFileSync(join(folder, '07.lock'), JSON.stringify(dead));
    // Both see the dead holder at once; both may evict, one may have the lock.
    const found = await Promise.all([one, two, one, two].map((locks) => locks.tryAcquire('07')));
    const again = await Promise.all([one, two, one, two].map((locks) => locks.tryAcquire('07')));
    expect([...found, ...again].filter(isLock)).toHaveLength(1);
    await one.close();
    await two.close();
  });

  it('are swept with their holders', async () => {
    const folder = newFolder();
    const dead = await holder({ pid: deadPid() });
    writeFileSync(join(folder, '07.lock'), JSON.stringify(dead));
    writeFileSync(join(folder, `${dead.token}.holder`), JSON.stringify(dead));
    writeFileSync(join(folder, `${'0'.repeat(24)}.holder`), '');
    const living = new FileLocks(folder);
    const lock = await acquired(living, '08');
    const locks = new FileLocks(folder);
    await locks.sweep();
    await locks.close();
    // The token is random: it may sort before or after.
    const left = readdirSync(folder).map((name) => name.replace(/^[0-9a-f]{24}\./, ''));
    expect(left.sort()).toEqual(['08.lock', 'holder']);
    await lock.release();
    await living.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('are had by one at a time while holders and those who evict them are killed', async () => {
    const folder = newFolder();
    const mark = join(folder, '..', 'mark');
    const program = fileURLToPath(new URL('children/contender.ts', import.meta.url));
    const kills = process.env['NEBULA_FULL'] === '1' ? 1_500 : 25;
    writeFileSync(mark, '');
    let held = 0;
    const start = (): ChildProcess => {
      const child = fork(program, [folder, mark], { execArgv: ['--no-warnings'] });
      child.on('message', () => {
        held += 1;
      });
      return child;
    };
    const contenders = [start(), start(), start()];
    for (let kill = 0; kill < kills; kill += 1) {
      const index = kill % contenders.length;
      const child = contenders[index] as ChildProcess;
      await Promise.race([once(child, 'message'), once(child, 'exit')]);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
      child.kill('SIGKILL');
      await (child.exitCode ?? child.signalCode ?? once(child, 'exit'));
      expect({ code: child.exitCode, signal: child.signalCode }).toEqual({ code: null, signal: 'SIGKILL' });
      contenders[index] = start();
    }
    for (const child of contenders) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    expect(held).toBeGreaterThan(kills);
    const locks = new FileLocks(folder);
    await locks.sweep();
    await (await acquired(locks, 'contended')).release();
    await locks.close();
    expect(readdirSync(folder)).toEqual([]);
  }, 3_600_000);
});

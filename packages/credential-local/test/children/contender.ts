/**
 * Takes a lock again and again, and makes sure that nobody else has it. Ends with status 1 when somebody has.
 * Arguments: folder of the locks, file that marks the lock as held.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { FileLocks } from '../../src/file-lock.ts';
import { isLock } from '../../src/lock.ts';

const [folder = '', mark = ''] = process.argv.slice(2);
const locks = new FileLocks(folder);
const self = String(process.pid);

for (;;) {
  const lock = await locks.tryAcquire('contended');
  if (!isLock(lock)) {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 2));
    continue;
  }
  const before = read();
  if (before !== '' && isRunning(Number(before))) {
    process.exit(1);
  }
  writeFileSync(mark, self);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 2));
  if (read() !== self) {
    process.exit(1);
  }
  writeFileSync(mark, '');
  await lock.release();
  process.send?.('held');
}

function read(): string {
  return readFileSync(mark, 'utf8');
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

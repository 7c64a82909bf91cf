import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { promisify } from 'node:util';

/** Which process this is, among all that ever run on any machine. What a system does not tell is absent. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, as the system writes it. With it a process id that was given out again is told from the old. */
  readonly start?: string | undefined;
  /** One start of the machine. */
  readonly boot?: string | undefined;
  /** Linux: where the process id means this process. Each container has its own. */
  readonly pidNamespace?: string | undefined;
  readonly host: string;
}

let own: Promise<ProcessIdentity> | undefined;

/** Identity of this process. */
export function processIdentity(): Promise<ProcessIdentity> {
  own ??= identify();
  return own;
}

/**
 * Whether a process has ended for certain. Of one on another host, or in another container on this one, that cannot be
 * known, and the answer is false.
 */
export async function isProvablyDead(holder: ProcessIdentity): Promise<boolean> {
  const self = await processIdentity();
  if (holder.host !== self.host) {
    return false;
  }
  if (holder.boot !== undefined && self.boot !== undefined && holder.boot !== self.boot) {
    return true;
  }
  if (holder.pidNamespace !== self.pidNamespace) {
    return false;
  }
  if (!isRunning(holder.pid)) {
    return true;
  }
  const start = await startOf(holder.pid);
  return (
    (start !== undefined && holder.start !== undefined && start !== holder.start) || isZombie(holder.pid)
  );
}

async function identify(): Promise<ProcessIdentity> {
  const { pid } = process;
  const [start, boot, pidNamespace, host] = await Promise.all([
    startOf(pid),
    bootId(),
    readlink('/proc/self/ns/pid').catch(unknown),
    hostId(),
  ]);
  return { pid, start, boot, pidNamespace, host };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

async function startOf(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    return (await statFields(pid))?.[19];
  }
  return process.platform === 'win32' ? undefined : commandOutput('ps', ['-o', 'lstart=', '-p', String(pid)]);
}

/**
 * Killed, and not yet collected by its parent; in a container without an init process it stays so for ever. Only when
 * its last thread has ended can no system call of it be under way any more.
 */
async function isZombie(pid: number): Promise<boolean> {
  if (process.platform !== 'linux' || (await statFields(pid))?.[0] !== 'Z') {
    return false;
  }
  const threads = await readdir(`/proc/${pid}/task`).catch(unknown);
  return threads !== undefined && threads.length <= 1;
}

/** Fields of proc_pid_stat(5) from the third (state) on; the second, a name, may hold anything. */
async function statFields(pid: number): Promise<readonly string[] | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(unknown);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

function bootId(): Promise<string | undefined> {
  switch (process.platform) {
    case 'linux':
      return firstLine('/proc/sys/kernel/random/boot_id');
    case 'darwin':
      return commandOutput('sysctl', ['-n', 'kern.bootsessionuuid']);
    default:
      return Promise.resolve(undefined);
  }
}

/** The machine id tells hosts apart that were given the same name. */
async function hostId(): Promise<string> {
  const machine = await firstLine('/etc/machine-id');
  return machine === undefined || machine === '' ? hostname() : `${hostname()}/${machine}`;
}

async function firstLine(path: string): Promise<string | undefined> {
  return (await readFile(path, 'utf8').catch(unknown))?.trim();
}

async function commandOutput(file: string, args: readonly string[]): Promise<string | undefined> {
  const options = { env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' }, timeout: 1_000 };
  const output = await promisify(execFile)(file, args, options).catch(unknown);
  return output?.stdout.trim() || undefined;
}

/** What cannot be found out is unknown, and proves nothing. */
function unknown(): undefined {
  return undefined;
}

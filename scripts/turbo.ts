import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Finished, run } from './process.ts';
import { root } from './workspace.ts';

const env = { TURBO_TELEMETRY_DISABLED: '1' };

/** Runs turbo with its output passed on; gives its exit code. */
export async function turbo(...args: readonly string[]): Promise<number> {
  const child = spawn('turbo', args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
    shell: process.platform === 'win32',
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return code ?? 1;
}

/** Runs turbo and keeps what it prints. */
export function quietTurbo(...args: readonly string[]): Promise<Finished> {
  return run('turbo', args, { cwd: root, env });
}

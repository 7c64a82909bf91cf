import { execFile } from 'node:child_process';

/** How a command ended, and what it printed. */
export interface Finished {
  readonly ok: boolean;
  readonly stdout: string;
  /** Both streams, for a message about a failure. */
  readonly output: string;
}

export interface RunOptions {
  readonly cwd: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command to its end and keeps what it prints. A command that cannot be started is not ok either. */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(
      command,
      args,
      {
        cwd: options.cwd,
        env: { ...process.env, NO_COLOR: '1', ...options.env },
        maxBuffer: 64 * 1024 * 1024,
        // On Windows npm, pnpm and the tools of node_modules/.bin are scripts.
        shell: process.platform === 'win32',
      },
      (error, stdout, stderr) => {
        const output = [stdout, stderr].filter((text) => text.trim() !== '').join('\n');
        resolve({ ok: error === null, stdout, output: output || (error?.message ?? '') });
      },
    );
  });
}

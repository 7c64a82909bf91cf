import { stat } from 'node:fs/promises';

/** When a file or folder changed last: its content, and anything about it. */
export interface Times {
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

/** Milliseconds: the longest tick by which a kernel stamps files (100 Hz), and some more. */
const TICK = 25;

/**
 * Whether a change from now on would show in the times. They are as fine as a tick of the system's clock: what changed
 * within the last one may change again and look the same.
 * @param now - by the clock, before the times were asked for.
 */
export function isSettled({ mtimeMs, ctimeMs }: Times, now: number): boolean {
  // Some file systems count whole seconds, or every second one.
  const coarse = mtimeMs % 1_000 === 0 && ctimeMs % 1_000 === 0;
  return now - Math.max(mtimeMs, ctimeMs) > (coarse ? 2_000 : TICK);
}

/**
 * State of a folder, to be asked for before what is in it is looked at. While it is the same, so are the names in the
 * folder and the files behind them: each write, by whomever, renames a file into its folder.
 * @returns undefined when the folder changed just now.
 */
export async function folderState(directory: string): Promise<string | undefined> {
  const now = Date.now();
  const stats = await stat(directory);
  return isSettled(stats, now) ? `${stats.dev}.${stats.ino}.${stats.mtimeMs}.${stats.ctimeMs}` : undefined;
}

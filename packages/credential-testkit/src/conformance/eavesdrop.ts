import { tracingChannel } from 'node:diagnostics_channel';
import { exposuresOf } from './traces.ts';

const consoleMethods = ['debug', 'dir', 'error', 'info', 'log', 'trace', 'warn'] as const;

/**
 * Runs `body` and gives back everything that a bystander got to see of it: what was printed or warned about, and the
 * messages of the diagnostics channel.
 */
export async function eavesdrop(body: () => Promise<void>): Promise<readonly string[]> {
  const heard: string[] = [];
  const hear = (...values: unknown[]): void => {
    heard.push(...values.map(exposuresOf));
  };
  const channel = tracingChannel<unknown>('nebula.credential');
  const subscribers = { start: hear, end: hear, asyncStart: hear, asyncEnd: hear, error: hear };
  channel.subscribe(subscribers);
  const restores = [
    ...consoleMethods.map((method) => listen(console, method, hear)),
    listen(process, 'emitWarning', hear),
    listen(process.stdout, 'write', hear),
    listen(process.stderr, 'write', hear),
  ];
  try {
    await body();
  } finally {
    for (const restore of restores) {
      restore();
    }
    channel.unsubscribe(subscribers);
  }
  return heard;
}

/** Puts an ear on a method, which goes on working. */
function listen<K extends string>(
  owner: Record<K, (...args: never[]) => unknown>,
  method: K,
  hear: (...values: unknown[]) => void,
): () => void {
  const original = owner[method];
  owner[method] = function (this: unknown, ...args: never[]) {
    hear(...args);
    return original.apply(this, args);
  };
  return () => {
    owner[method] = original;
  };
}

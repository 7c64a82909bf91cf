/** Run as a process of its own: after this, nothing may be left that keeps it alive, and no rejection unhandled. */
import { createProvider } from '../src/index.ts';
import { BackendError, collect, MapDriver, record, rejection, turn } from './support.ts';
import { VersionedDriver } from './versioned-driver.ts';

const forever = () => new Promise<void>(() => undefined);
const retry = { baseDelay: 0 };

// Everything that succeeds.
const driver = new MapDriver();
await using provider = createProvider(driver, { retry });
await provider.store('a', record('x'));
await provider.retrieve('a');
await collect(provider.entries());

// Everything that fails: retried, aborted during a request, during a wait, before it began.
driver.interference.before = () => {
  throw new BackendError({ code: 'UNAVAILABLE' });
};
await rejection(provider.store('a', record('x')));
driver.interference.before = () => {
  throw new BackendError({ code: 'RATE_LIMITED', retryAfterMs: 4_000 });
};
await rejection(provider.retrieve('a', {}, { signal: AbortSignal.timeout(5) }));
driver.interference.before = forever;
await rejection(provider.retrieve('a', {}, { signal: AbortSignal.timeout(5) }));
await rejection(provider.retrieve('a', {}, { signal: AbortSignal.abort() }));

// Callers that give up while the connection is made, which then fails behind their backs.
const other = new MapDriver();
let fail = (_reason: unknown): void => undefined;
other.interference.before = () =>
  new Promise<void>((_resolve, reject) => {
    fail = reject;
  });
const connecting = createProvider(other, { retry: { maxRetries: 0 } });
await Promise.all([
  rejection(connecting.connect({ signal: AbortSignal.timeout(5) })),
  rejection(connecting.head('a', {}, { timeout: 5 })),
]);
fail(new BackendError({ code: 'PERMISSION_DENIED' }));
await connecting.close();

// A watch that is left, and one that close ends.
const watched = createProvider(new VersionedDriver());
await watched.connect();
const left = watched.watch?.()[Symbol.asyncIterator]();
const first = left?.next();
await turn();
await watched.store('a', record('x'));
await first;
await left?.return?.();
const ended = watched.watch?.()[Symbol.asyncIterator]().next();
await Promise.all([ended && rejection(ended), watched.close()]);

const timers = process.getActiveResourcesInfo().filter((name) => /Timeout|Immediate/.test(name));
process.stdout.write(JSON.stringify({ timers }));

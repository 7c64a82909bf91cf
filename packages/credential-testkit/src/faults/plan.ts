import assert from 'node:assert/strict';
import type { Fault } from './fault.ts';

/** One attempt of one backend request, as a plan sees it. */
export interface FaultRequest {
  /** Operation of the contract: `store`, `retrieve`, ... */
  readonly operation: string;
  /** The driver's name for the request. */
  readonly step: string;
}

/** Says what happens to each attempt, in the order in which they are made. */
export interface FaultPlan {
  /** undefined lets it pass. */
  next(request: FaultRequest): Fault | undefined;
}

/** What a plan did to an attempt. */
export interface FaultLogEntry extends FaultRequest {
  /** undefined: it passed. */
  readonly fault: Fault | undefined;
}

/** A plan that remembers what it did. */
export interface LoggingFaultPlan extends FaultPlan {
  /** One line an attempt, in the order in which they were made. */
  readonly log: readonly FaultLogEntry[];
}

/** A line of a script: a fault, or `pass`, for the next attempt of the given operation and step; default of any. */
export type ScriptLine = (Fault | { readonly kind: 'pass' }) & Partial<FaultRequest>;

/** What {@link scriptedFaults} gives. */
export interface FaultScript extends LoggingFaultPlan {
  /** @throws AssertionError when lines are left. */
  assertUsed(): void;
}

/**
 * Faults in a given order. A line waits for an attempt that it is meant for; those that come before pass, and so do
 * all after the last line.
 */
export function scriptedFaults(lines: readonly ScriptLine[]): FaultScript {
  const left = [...lines];
  const log: FaultLogEntry[] = [];
  return {
    log,
    next(request) {
      const fault = takeFor(request, left);
      log.push({ ...request, fault });
      return fault;
    },
    assertUsed() {
      assert.deepEqual(left, [], 'lines of the fault script that no attempt met');
    },
  };
}

function takeFor(request: FaultRequest, left: ScriptLine[]): Fault | undefined {
  const [line] = left;
  if (line === undefined) {
    return undefined;
  }
  const { operation = request.operation, step = request.step, ...fault } = line;
  if (operation !== request.operation || step !== request.step) {
    return undefined;
  }
  left.shift();
  return fault.kind === 'pass' ? undefined : fault;
}

/** What {@link randomFaults} draws from. */
export type RandomFaultKind = 'throttle' | 'unavailable' | 'reset-before' | 'reset-after';

/** Options of {@link randomFaults}. */
export interface RandomFaultOptions {
  /** Same seed, same faults for the same order of attempts; any integer. */
  readonly seed: number;
  /** Share of attempts that a fault befalls, 0 to 1; default 0.3. */
  readonly rate?: number | undefined;
  /** Equally likely each; default all four. */
  readonly kinds?: readonly RandomFaultKind[] | undefined;
  /** Half of the throttled attempts get a Retry-After of at most so many milliseconds; default 1,000. */
  readonly maxRetryAfterMs?: number | undefined;
}

/** Faults drawn at random, reproducibly. Without options but a seed it is the mix that this library is tested under. */
export function randomFaults({
  seed,
  rate = 0.3,
  kinds = ['throttle', 'unavailable', 'reset-before', 'reset-after'],
  maxRetryAfterMs = 1_000,
}: RandomFaultOptions): LoggingFaultPlan {
  const random = mulberry32(seed);
  const log: FaultLogEntry[] = [];
  const draw = (): Fault | undefined => {
    const kind = random() < rate ? kinds[Math.floor(random() * kinds.length)] : undefined;
    if (kind === undefined) {
      return undefined;
    }
    return kind === 'throttle' && random() < 0.5
      ? { kind, retryAfterMs: Math.ceil(random() * maxRetryAfterMs) }
      : { kind };
  };
  return {
    log,
    next(request) {
      const fault = draw();
      log.push({ ...request, fault });
      return fault;
    },
  };
}

/**
 * Mulberry32: 32 bits of state, enough to spread faults evenly, and not for anything that must be hard to guess. Node
 * has no generator that takes a seed.
 */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

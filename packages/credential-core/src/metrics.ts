import type { CredentialErrorCode } from './errors.ts';

/** Upper bounds of the latency buckets in milliseconds; a last one takes what is slower. */
const bucketBounds = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000,
] as const;

/** Latencies in milliseconds. */
export interface LatencyHistogram {
  readonly count: number;
  readonly sum: number;
  readonly max: number;
  /** Cumulative, as Prometheus counts: how many took at most `le`; the last `le` is Infinity. */
  readonly buckets: readonly { readonly le: number; readonly count: number }[];
}

/** What was counted of one operation or one kind of request. */
export interface Measurement {
  readonly count: number;
  /** Failures by code. */
  readonly errors: Readonly<Partial<Record<CredentialErrorCode, number>>>;
  /** How many of them were repeats. */
  readonly retries: number;
  readonly latency: LatencyHistogram;
}

export interface MetricsSnapshot {
  /** By operation: `store`, `retrieve`, ... A page of a listing counts as one. */
  readonly operations: Readonly<Record<string, Measurement>>;
  /** By operation and step: `store/put`, ... An attempt counts as one. */
  readonly requests: Readonly<Record<string, Measurement>>;
}

/** Counters of one provider since it was made. Hold no id and no value. */
export interface StorageMetrics {
  /** A copy of all counters. */
  snapshot(): MetricsSnapshot;
}

class Meter {
  count = 0;
  retries = 0;
  sum = 0;
  max = 0;
  readonly errors = new Map<CredentialErrorCode, number>();
  readonly buckets: number[] = new Array<number>(bucketBounds.length + 1).fill(0);

  record(ms: number, code: CredentialErrorCode | undefined, retries: number): void {
    this.count += 1;
    this.retries += retries;
    this.sum += ms;
    this.max = Math.max(this.max, ms);
    if (code !== undefined) {
      this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
    }
    const found = bucketBounds.findIndex((bound) => ms <= bound);
    const bucket = found === -1 ? bucketBounds.length : found;
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1;
  }

  snapshot(): Measurement {
    let cumulative = 0;
    const buckets = this.buckets.map((count, index) => {
      cumulative += count;
      return { le: bucketBounds[index] ?? Number.POSITIVE_INFINITY, count: cumulative };
    });
    return {
      count: this.count,
      errors: Object.fromEntries(this.errors),
      retries: this.retries,
      latency: { count: this.count, sum: this.sum, max: this.max, buckets },
    };
  }
}

/** The counters behind {@link StorageMetrics}. */
export class MetricsRecorder implements StorageMetrics {
  readonly #operations = new Map<string, Meter>();
  readonly #requests = new Map<string, Meter>();

  operation(name: string, ms: number, code: CredentialErrorCode | undefined, retries: number): void {
    meterOf(this.#operations, name).record(ms, code, retries);
  }

  request(
    operation: string,
    step: string,
    ms: number,
    code: CredentialErrorCode | undefined,
    repeat: boolean,
  ): void {
    meterOf(this.#requests, `${operation}/${step}`).record(ms, code, repeat ? 1 : 0);
  }

  snapshot(): MetricsSnapshot {
    return { operations: snapshotOf(this.#operations), requests: snapshotOf(this.#requests) };
  }
}

function meterOf(meters: Map<string, Meter>, name: string): Meter {
  let meter = meters.get(name);
  if (meter === undefined) {
    meter = new Meter();
    meters.set(name, meter);
  }
  return meter;
}

function snapshotOf(meters: ReadonlyMap<string, Meter>): Record<string, Measurement> {
  return Object.fromEntries([...meters].map(([name, meter]) => [name, meter.snapshot()]));
}

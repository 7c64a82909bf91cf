import * as v from 'valibot';
import { OperationCall } from './call.ts';
import { unexpectedFailure } from './classification.ts';
import { ConcurrencyLimit } from './concurrency.ts';
import { Deadline } from './deadline.ts';
import { trace } from './diagnostics.ts';
import type { Call, Driver } from './driver.ts';
import { annotate, type CredentialError } from './errors.ts';
import type { CredentialId, ParsedContext } from './identity.ts';
import { MetricsRecorder } from './metrics.ts';
import type { CallOptions } from './provider.ts';
import { RetryBudget, type RetryPolicy, retryPolicySchema } from './retry.ts';
import { durationSchema, integerSchema, optionsSchema } from './validation.ts';

/** Milliseconds, for operations that read and operations that write. */
export interface ReadWriteDurations {
  readonly read: number;
  readonly write: number;
}

/** How a provider treats its backend; part of every provider's options. */
export interface PipelineOptions {
  /** Deadline of a whole operation, 1,000 to 60,000 ms each. Default 5,000 to read, 10,000 to write. */
  readonly timeouts?: Partial<ReadWriteDurations> | undefined;
  /** Deadline of one attempt of one backend request, 1,000 to 60,000 ms each. Default 2,000 and 4,000. */
  readonly attemptTimeouts?: Partial<ReadWriteDurations> | undefined;
  /** Default {@link DEFAULT_RETRY_POLICY}. */
  readonly retry?: Partial<RetryPolicy> | undefined;
  /** Backend requests under way at a time, 1 to 10,000. Default 50. */
  readonly maxConcurrency?: number | undefined;
}

/** {@link PipelineOptions} with every default filled in. */
export interface PipelineConfig {
  readonly timeouts: ReadWriteDurations;
  readonly attemptTimeouts: ReadWriteDurations;
  readonly retry: RetryPolicy;
  readonly maxConcurrency: number;
}

const durationsSchema = (read: number, write: number): v.GenericSchema =>
  v.optional(
    optionsSchema({ read: v.optional(durationSchema, read), write: v.optional(durationSchema, write) }),
    {},
  );

/** Entries of {@link PipelineOptions} for a provider's own schema; their output is {@link PipelineConfig}. */
export const pipelineEntries: Readonly<Record<keyof PipelineOptions, v.GenericSchema>> = {
  timeouts: durationsSchema(5_000, 10_000),
  attemptTimeouts: durationsSchema(2_000, 4_000),
  retry: v.optional(retryPolicySchema, {}) as v.GenericSchema,
  maxConcurrency: v.optional(integerSchema(1, 10_000, 'requests'), 50) as v.GenericSchema,
};

/** Schema of {@link PipelineOptions}. */
export const pipelineSchema: v.GenericSchema<PipelineOptions, PipelineConfig> = optionsSchema(
  pipelineEntries,
) as never;

/** One operation of the contract. */
export interface Operation {
  readonly name: string;
  readonly kind: 'read' | 'write';
  readonly id?: CredentialId | undefined;
  readonly context?: ParsedContext | undefined;
  readonly options?: CallOptions | undefined;
  /** Milliseconds; default by kind. */
  readonly timeout?: number | undefined;
}

/** Runs operations against one driver: deadline, retries, measurement, tracing, and errors that say where they are from. */
export class Pipeline {
  readonly metrics: MetricsRecorder = new MetricsRecorder();
  readonly #driver: Driver;
  readonly #config: PipelineConfig;
  readonly #budget = new RetryBudget();
  readonly #limit: ConcurrencyLimit;

  constructor(driver: Driver, config: PipelineConfig) {
    this.#driver = driver;
    this.#config = config;
    this.#limit = new ConcurrencyLimit(config.maxConcurrency);
  }

  async run<T>(operation: Operation, body: (call: Call) => Promise<T>): Promise<T> {
    const { name, kind, id, context, options } = operation;
    const event = { provider: this.#driver.name, operation: name, id, ...context };
    using deadline = new Deadline(
      options?.timeout ?? operation.timeout ?? this.#config.timeouts[kind],
      options?.signal,
    );
    const state = {
      driver: this.#driver,
      deadline,
      event,
      attemptTimeout: this.#config.attemptTimeouts[kind],
      retry: this.#config.retry,
      budget: this.#budget,
      limit: this.#limit,
      metrics: this.metrics,
      attempts: 0,
      repeats: 0,
      outcome: 'not-applied' as const,
    };
    const started = performance.now();
    const measure = (code?: CredentialError['code']): void =>
      this.metrics.operation(name, performance.now() - started, code, state.repeats);
    // Awaited, or the deadline would be disposed of at once.
    return await trace(event, async () => {
      try {
        deadline.signal.throwIfAborted();
        const result = await body(new OperationCall(state));
        measure();
        return result;
      } catch (thrown) {
        const error = annotate(unexpectedFailure(thrown), {
          provider: this.#driver.name,
          operation: name,
          id,
          attempts: state.attempts,
          outcome: kind === 'write' ? state.outcome : undefined,
        });
        measure(error.code);
        throw error;
      }
    });
  }
}

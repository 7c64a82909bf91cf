import type { StorageProvider } from '@nebula/credential-core';
import type { FaultPlan } from '../faults/plan.ts';

/** How much the suite does. The defaults suit a server at hand; lower them for one with quotas. */
export interface ConformanceSizes {
  /** Writers that race for one credential. Default 50. */
  readonly racers: number;
  /** Reads at once. Default 500. */
  readonly reads: number;
  /** Credentials in the listing of many pages; make it more than two pages. Default 250. */
  readonly entries: number;
  /** How long listings may lag behind writes, in milliseconds, where `capabilities.index` is `eventual`. Default 0. */
  readonly indexDelay: number;
}

/** What a driver author tells the suite. */
export interface ConformanceHarness {
  /** Stands in the report. */
  readonly name: string;
  /**
   * Makes a provider. It is called several times; all must work on the same storage, which may hold other credentials.
   * The suite closes what it opened.
   */
  readonly open: () => StorageProvider | Promise<StorageProvider>;
  /** Like `open`, on a bad network: `createProvider(injectFaults(new MyDriver(...), plan))`. */
  readonly openFaulty: (plan: FaultPlan) => StorageProvider | Promise<StorageProvider>;
  /**
   * Secrets that the configuration of these providers holds, tokens or passwords; none may show anywhere. At least
   * 8 characters each.
   */
  readonly secrets?: readonly string[] | undefined;
  /**
   * Makes a provider that holds the same secrets and whose every operation fails: the backend refuses them, or cannot
   * be reached. Required with `secrets`: what the SDK's own errors carry is to be seen only so.
   */
  readonly openBroken?: (() => StorageProvider | Promise<StorageProvider>) | undefined;
  /**
   * Makes an object as another tool would, where the driver would keep the credential `id` of no scope.
   * @returns its name in the backend. Required where `capabilities.nativeName` is true.
   */
  readonly plant?: ((id: string, value: Uint8Array) => string | Promise<string>) | undefined;
  /** Names of cases that are known to fail, each with the reason. One that passes makes the suite fail. */
  readonly knownFailures?: Readonly<Record<string, string>> | undefined;
  /** What is not given is the default. */
  readonly sizes?: Partial<ConformanceSizes> | undefined;
}

/** What the suite takes for sizes that are not given. */
export const defaultSizes: ConformanceSizes = { racers: 50, reads: 500, entries: 250, indexDelay: 0 };

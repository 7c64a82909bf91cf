import type {
  Capabilities,
  CredentialContext,
  EncryptedRecord,
  StorageProvider,
  Tags,
} from '@nebula/credential-core';
import type { FaultPlan } from '../faults/plan.ts';
import type { ConformanceHarness, ConformanceSizes } from './harness.ts';

/** Capabilities that a case can depend on. */
export type Need = {
  [K in keyof Capabilities]: Capabilities[K] extends boolean ? K : never;
}[Exclude<keyof Capabilities, 'metadataAtomic'>];

/** What the record of a test holds; the rest is random. */
export interface RecordInput {
  readonly tags?: Tags;
  readonly lastModified?: Date;
}

/** What a case works with. Its names are its own, also on a storage that others use. */
export interface CaseContext {
  readonly harness: ConformanceHarness;
  /** Open, connected, shared by all cases. */
  readonly provider: StorageProvider;
  readonly capabilities: Capabilities;
  readonly sizes: ConformanceSizes;
  /** A scope of the case's own, empty. */
  readonly context: CredentialContext;
  /** One more context, with an empty scope: the given one or a new one. */
  readonly otherContext: (scope?: string) => CredentialContext;
  /** An id that is not in use where there is no scope: the given one or a new one. */
  readonly unscopedId: (id?: string) => string;
  /** One more provider on the same storage. */
  readonly open: () => Promise<StorageProvider>;
  /** One more, on a network that does as the plan says. */
  readonly openFaulty: (plan: FaultPlan) => Promise<StorageProvider>;
  /** An envelope as drivers see it: they cannot tell that it opens with no key. */
  readonly record: (input?: RecordInput) => EncryptedRecord;
  /** Runs assertions on listings; where the index is eventual, again until they hold or `indexDelay` is over. */
  readonly settled: (assertions: () => Promise<void>) => Promise<void>;
}

/** One case of the suite, before it is bound to a harness. */
export interface CaseDefinition {
  /** Unique in the suite. */
  readonly name: string;
  /** Where one of these is missing, UNSUPPORTED is asserted in place of the case. */
  readonly needs?: readonly Need[];
  readonly run: (t: CaseContext) => Promise<void>;
}

/** Cases about one thing. */
export interface CaseGroup {
  readonly group: string;
  readonly cases: readonly CaseDefinition[];
}

import * as v from 'valibot';
import type { EncryptionManager } from './encryption/manager.ts';
import { type CredentialError, CryptoError, hasCode, StorageError } from './errors.ts';
import { type CredentialContext, type CredentialId, contextSchema, type ParsedContext } from './identity.ts';
import type { StorageProvider } from './provider.ts';
import { createWriteId, type EncryptedRecord, isEncrypted } from './record.ts';
import { integerSchema, optionsSchema, parseWith, shapeOf, signalSchema } from './validation.ts';

/** What became of one credential. */
export interface RotationProgress {
  readonly id: CredentialId;
  readonly scope: string | undefined;
  /**
   * `rotated` now; `current`: was under the primary key already; `gone`: deleted meanwhile; `failed`: see `error`, it
   * was left as it was.
   */
  readonly result: 'rotated' | 'current' | 'gone' | 'failed';
  readonly error?: CredentialError | undefined;
  /** Versions in the backend's history that are under another key, or cannot be read. Rotation leaves them alone. */
  readonly oldVersions: readonly string[];
  /** How many credentials were looked at so far. */
  readonly done: number;
}

export interface RotationOptions {
  /** Default: the manager's own. */
  readonly context?: CredentialContext | undefined;
  /** Goes through every scope instead of one; needs `capabilities.scopes`. */
  readonly allScopes?: boolean | undefined;
  /** Credentials worked on at a time, 1 to 64. Default 4. */
  readonly concurrency?: number | undefined;
  /** Says that nobody else writes, for backends without compare-and-set. Default false. */
  readonly alone?: boolean | undefined;
  readonly onProgress?: ((progress: RotationProgress) => void) | undefined;
  /** Ends it after what is under way; run it again to go on. */
  readonly signal?: AbortSignal | undefined;
}

export interface RotationReport {
  readonly rotated: number;
  readonly current: number;
  readonly gone: number;
  readonly failed: number;
  /** Versions in the backend's history that may still need a retired key. */
  readonly oldVersions: number;
}

const boolean = v.boolean((issue) => `must be true or false, got ${shapeOf(issue.input)}`);
const rotationSchema: v.GenericSchema<unknown, RotationOptions> = optionsSchema({
  context: v.optional(contextSchema),
  allScopes: v.optional(boolean),
  concurrency: v.optional(integerSchema(1, 64, 'credentials')),
  alone: v.optional(boolean),
  onProgress: v.optional(v.function((issue) => `must be a function, got ${shapeOf(issue.input)}`)),
  signal: v.optional(signalSchema),
}) as never;

type Outcome = Pick<RotationProgress, 'result' | 'error'>;

/** Writers that keep changing one credential are given way to this often before it counts as failed. */
const MAX_REPEATS = 10;

/** What fails for one credential and says nothing of the next. */
const OF_ONE_CREDENTIAL = ['CONFLICT', 'OUTCOME_UNKNOWN', 'INVALID_STATE', 'TOO_LARGE'] as const;

/** Re-encrypts every credential of the context that is not under the primary key. */
export async function rotate(
  provider: StorageProvider,
  encryption: EncryptionManager,
  defaultContext: ParsedContext,
  options: RotationOptions,
): Promise<RotationReport> {
  const parsed = parseWith(rotationSchema, options, 'INVALID_ARGUMENT', 'options');
  const { allScopes = false, concurrency = 4, alone = false, onProgress, signal } = parsed;
  const context = (parsed.context ?? defaultContext) as ParsedContext;
  if (!provider.capabilities.ifRevision && !alone) {
    throw new StorageError(
      'UNSUPPORTED',
      `the ${provider.name} provider has no compare-and-set, so a rotation could undo what others write meanwhile`,
      {
        provider: provider.name,
        operation: 'rotateKeys',
        remedy: 'Stop all writers and rotate with alone: true.',
      },
    );
  }
  const report = { rotated: 0, current: 0, gone: 0, failed: 0, oldVersions: 0 };
  let done = 0;
  const one = async (id: CredentialId, ctx: ParsedContext): Promise<void> => {
    const { result, error } = await rotateOne(provider, encryption, id, ctx, signal);
    const oldVersions =
      result === 'gone' ? [] : await versionsUnderOtherKeys(provider, encryption, id, ctx, signal);
    done += 1;
    report[result] += 1;
    report.oldVersions += oldVersions.length;
    onProgress?.({ id, scope: ctx.scope, result, error, oldVersions, done });
  };
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const ctx of contexts(provider, context, allScopes, signal)) {
      for await (const id of provider.list({}, ctx, { signal })) {
        if (failure !== undefined) {
          throw failure.error;
        }
        const work: Promise<void> = one(id, ctx)
          .catch((error: unknown) => {
            failure ??= { error };
          })
          .finally(() => running.delete(work));
        running.add(work);
        if (running.size >= concurrency) {
          await Promise.race(running);
        }
      }
    }
  } finally {
    // After a failure too: nothing goes on writing once this call has ended.
    await Promise.all(running);
  }
  if (failure !== undefined) {
    throw failure.error;
  }
  return report;
}

async function* contexts(
  provider: StorageProvider,
  context: ParsedContext,
  allScopes: boolean,
  signal: AbortSignal | undefined,
): AsyncIterable<ParsedContext> {
  if (!allScopes) {
    yield context;
    return;
  }
  if (provider.scopes === undefined) {
    throw new StorageError('UNSUPPORTED', `the ${provider.name} provider cannot list scopes`, {
      provider: provider.name,
      operation: 'rotateKeys',
      remedy: 'Rotate scope by scope, with a context for each.',
    });
  }
  yield { ...context, scope: undefined };
  for await (const scope of provider.scopes({ signal })) {
    yield { ...context, scope };
  }
}

async function rotateOne(
  provider: StorageProvider,
  encryption: EncryptionManager,
  id: CredentialId,
  context: ParsedContext,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  for (let repeats = 0; ; repeats += 1) {
    try {
      const { record, revision } = await provider.retrieve(id, context, { signal });
      if (!isEncrypted(record)) {
        throw new CryptoError('CORRUPTED', 'the stored value is not encrypted');
      }
      if (encryption.kidOf(record) === encryption.primaryKid) {
        return { result: 'current' };
      }
      const renewed = await reencrypt(encryption, record, { id, scope: context.scope });
      const condition = provider.capabilities.ifRevision ? { ifRevision: revision } : {};
      await provider.store(id, renewed, context, { ...condition, signal });
      return { result: 'rotated' };
    } catch (error) {
      if (hasCode(error, 'NOT_FOUND')) {
        return { result: 'gone' };
      }
      // Where it is not known whether the write happened, the next look tells.
      if (hasCode(error, 'CONFLICT', 'OUTCOME_UNKNOWN') && repeats < MAX_REPEATS) {
        continue;
      }
      if (error instanceof CryptoError || hasCode(error, ...OF_ONE_CREDENTIAL)) {
        return { result: 'failed', error };
      }
      throw error;
    }
  }
}

async function reencrypt(
  encryption: EncryptionManager,
  record: EncryptedRecord,
  target: { readonly id: CredentialId; readonly scope: ParsedContext['scope'] },
): Promise<EncryptedRecord> {
  const plaintext = await encryption.decrypt(record, target);
  try {
    const writeId = createWriteId();
    const jwe = await encryption.encrypt(plaintext, { ...target, writeId, meta: record.meta });
    return { ...record, writeId, jwe };
  } finally {
    plaintext.fill(0);
  }
}

async function versionsUnderOtherKeys(
  provider: StorageProvider,
  encryption: EncryptionManager,
  id: CredentialId,
  context: ParsedContext,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { version, current } of provider.versions?.list(id, context, { signal }) ?? []) {
      if (!current && (await needsOtherKey(version))) {
        found.push(version);
      }
    }
  } catch (error) {
    // Deleted while we looked: what is gone needs no key.
    if (!hasCode(error, 'NOT_FOUND')) {
      throw error;
    }
  }
  return found;

  async function needsOtherKey(version: string): Promise<boolean> {
    try {
      const { record } = await provider.retrieve(id, context, { version, signal });
      return isEncrypted(record) && encryption.kidOf(record) !== encryption.primaryKid;
    } catch (error) {
      if (hasCode(error, 'NOT_FOUND')) {
        return false;
      }
      // It cannot be read now, but may be later, and may need any key then.
      if (error instanceof CryptoError || hasCode(error, 'INVALID_STATE')) {
        return true;
      }
      throw error;
    }
  }
}

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CredentialContext,
  createWriteId,
  type EncryptedRecord,
  type StorageProvider,
} from '@nebula/credential-core';
import type { CaseContext, RecordInput } from './case.ts';
import { type ConformanceHarness, defaultSizes } from './harness.ts';

/** Lower case letters and digits: fits every backend as it is. */
const randomName = (): string => `t${randomBytes(8).toString('hex')}`;

/**
 * What one case works with, and what takes away the traces of it: credentials that it stored, providers that it
 * opened.
 */
export function createContext(
  harness: ConformanceHarness,
  provider: StorageProvider,
): { readonly context: CaseContext; readonly cleanUp: () => Promise<void> } {
  const contexts: CredentialContext[] = [];
  const unscopedIds: string[] = [];
  const opened: StorageProvider[] = [];
  const sizes = { ...defaultSizes, ...harness.sizes };
  const otherContext = (scope = randomName()): CredentialContext => {
    const context = { scope };
    contexts.push(context);
    return context;
  };
  const track = (other: StorageProvider): StorageProvider => {
    opened.push(other);
    return other;
  };
  const context: CaseContext = {
    harness,
    provider,
    sizes,
    capabilities: provider.capabilities,
    context: otherContext(),
    otherContext,
    record: createRecord,
    unscopedId(id = randomName()) {
      unscopedIds.push(id);
      return id;
    },
    open: async () => track(await harness.open()),
    openFaulty: async (plan) => track(await harness.openFaulty(plan)),
    settled: (assertions) =>
      eventually(assertions, provider.capabilities.index === 'eventual' ? sizes.indexDelay : 0),
  };
  return {
    context,
    async cleanUp() {
      await Promise.all(opened.map((other) => other.close()));
      await Promise.all(unscopedIds.map((id) => remove(provider, id, {})));
      for (const scope of contexts) {
        await empty(provider, scope);
      }
    },
  };
}

function createRecord({ tags = {}, lastModified = new Date() }: RecordInput = {}): EncryptedRecord {
  const random = (bytes: number): string => randomBytes(bytes).toString('base64url');
  return {
    v: 1,
    kind: 'value',
    writeId: createWriteId(),
    meta: { lastModified: lastModified.toISOString(), tags },
    jwe: {
      protected: random(100),
      encrypted_key: random(40),
      iv: random(12),
      ciphertext: random(32),
      tag: random(16),
      aad: random(150),
    },
  };
}

async function eventually(assertions: () => Promise<void>, withinMs: number): Promise<void> {
  const end = performance.now() + withinMs;
  for (;;) {
    try {
      return await assertions();
    } catch (error) {
      if (performance.now() >= end) {
        throw error;
      }
      await sleep(Math.min(1_000, withinMs / 10));
    }
  }
}

async function empty(provider: StorageProvider, context: CredentialContext): Promise<void> {
  const ids = await Array.fromAsync(provider.list({}, context));
  await Promise.all(ids.map((id) => provider.delete(id, context)));
  if (provider.deleted !== undefined) {
    const { deleted } = provider;
    const lines = await Array.fromAsync(deleted.list(context));
    await Promise.all(lines.map(({ id }) => deleted.purge(id, context)));
  }
}

async function remove(provider: StorageProvider, id: string, context: CredentialContext): Promise<void> {
  await provider.delete(id, context);
  await provider.deleted?.purge(id, context);
}

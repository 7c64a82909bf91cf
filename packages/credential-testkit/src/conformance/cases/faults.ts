import assert from 'node:assert/strict';
import type { CredentialError, Revision, StorageProvider } from '@nebula/credential-core';
import type { Fault } from '../../faults/fault.ts';
import type { FaultPlan } from '../../faults/plan.ts';
import type { CaseContext, CaseGroup } from '../case.ts';
import { failure, refusal } from '../expect.ts';
import { operationsOf } from '../operations.ts';

export const faults: CaseGroup = {
  group: 'faults',
  cases: [
    {
      name: 'a refusal is never taken for an absence, nor for a success',
      async run(t) {
        const { provider, context, record } = t;
        const content = record();
        await provider.store('a', content, context);
        const refused = await t.openFaulty(always({ kind: 'deny' }));
        await refused.connect();
        const { connect: _connect, check: _check, watch: _watch, ...operations } = operationsOf(refused, t);
        for (const [name, operation] of Object.entries(operations)) {
          const error = await failure(operation());
          assert.equal(error.code, 'PERMISSION_DENIED', name);
          assert.equal(error.outcome ?? 'not-applied', 'not-applied', name);
        }
        assert.deepEqual((await provider.retrieve('a', context)).record, content);
      },
    },
    {
      name: 'silence ends with the deadline',
      async run(t) {
        const silent = await t.openFaulty(always({ kind: 'silence' }));
        await silent.connect();
        const timeout = 50;
        const calls = [
          () => silent.retrieve('a', t.context, { timeout }),
          () => silent.exists('a', t.context, { timeout }),
          () => silent.store('a', t.record(), t.context, { timeout }),
          () => silent.delete('a', t.context, { timeout }),
          () => Array.fromAsync(silent.list({}, t.context, { timeout })),
        ];
        for (const call of calls) {
          const error: CredentialError & { timeoutMs?: number } = await refusal(call(), 'TIMEOUT');
          assert.equal(error.timeoutMs, timeout);
        }
        assert.equal(await t.provider.exists('a', t.context), false);
      },
    },
    {
      name: 'silence ends with the signal',
      async run(t) {
        const silent = await t.openFaulty(always({ kind: 'silence' }));
        await silent.connect();
        const reason = new Error('enough');
        const calls = [
          (signal: AbortSignal) => silent.retrieve('a', t.context, { signal }),
          (signal: AbortSignal) => silent.exists('a', t.context, { signal }),
          (signal: AbortSignal) => silent.store('a', t.record(), t.context, { signal }),
          (signal: AbortSignal) => silent.delete('a', t.context, { signal }),
          (signal: AbortSignal) => Array.fromAsync(silent.list({}, t.context, { signal })),
        ];
        for (const call of calls) {
          const controller = new AbortController();
          const calling = refusal(call(controller.signal), 'ABORTED');
          setTimeout(() => controller.abort(reason), 5);
          assert.equal((await calling).cause, reason);
        }
        assert.equal(await t.provider.exists('a', t.context), false);
      },
    },
    {
      name: 'whichever request of an operation is throttled, the operation succeeds',
      async run(t) {
        const { context, record } = t;
        await atEachRequest(t, 'store', { kind: 'throttle', retryAfterMs: 1 }, async (provider, id) => {
          const content = record();
          await provider.store(id, content, context);
          assert.deepEqual((await provider.retrieve(id, context)).record, content);
        });
        await atEachRequest(t, 'retrieve', { kind: 'throttle' }, async (provider, id) => {
          const content = record();
          await t.provider.store(id, content, context);
          assert.deepEqual((await provider.retrieve(id, context)).record, content);
        });
        await atEachRequest(t, 'delete', { kind: 'throttle' }, async (provider, id) => {
          await t.provider.store(id, record(), context);
          await provider.delete(id, context);
          assert.equal(await t.provider.exists(id, context), false);
        });
      },
    },
    ...(['reset-before', 'reset-after'] as const).flatMap((kind) => {
      const when = kind === 'reset-before' ? 'before the request' : 'after the request';
      return [
        {
          name: `a connection cut ${when}: a store happened once, or says what is known`,
          run: (t: CaseContext) => stores(t, { kind }, async () => ({})),
        },
        {
          name: `a connection cut ${when}: a store with ifAbsent is not refused by its own write`,
          needs: ['ifAbsent'] as const,
          run: (t: CaseContext) => stores(t, { kind }, async () => ({ ifAbsent: true })),
        },
        {
          name: `a connection cut ${when}: a store with ifRevision is not refused by its own write`,
          needs: ['ifRevision'] as const,
          run: (t: CaseContext) =>
            stores(t, { kind }, async (id) => ({
              ifRevision: await t.provider.store(id, t.record(), t.context),
            })),
        },
        {
          name: `a connection cut ${when}: a delete happened, or says what is known`,
          run: (t: CaseContext) => deletes(t, { kind }, () => ({})),
        },
        {
          name: `a connection cut ${when}: a delete with ifRevision is not refused by itself`,
          needs: ['deleteIfRevision'] as const,
          run: (t: CaseContext) => deletes(t, { kind }, (ifRevision) => ({ ifRevision })),
        },
        {
          name: `a connection cut ${when}: a version is restored once, or says what is known`,
          needs: ['versions'] as const,
          run: (t: CaseContext) => restoresVersion(t, { kind }),
        },
        {
          name: `a connection cut ${when}: a deleted credential is restored, or says what is known`,
          needs: ['deleted'] as const,
          run: (t: CaseContext) => restoresDeleted(t, { kind }),
        },
      ];
    }),
  ],
};

/** Every request but those of connecting. */
function always(fault: Fault): FaultPlan {
  return { next: ({ operation }) => (operation === 'connect' ? undefined : fault) };
}

/**
 * Runs `act` once for each request that the operation makes, with that one befallen by the fault. Each time with a
 * provider and an id of its own.
 */
async function atEachRequest(
  t: CaseContext,
  operation: string,
  fault: Fault,
  act: (provider: StorageProvider, id: string) => Promise<void>,
): Promise<void> {
  for (let at = 0; ; at += 1) {
    let requests = 0;
    const plan: FaultPlan = {
      next(request) {
        if (request.operation !== operation) {
          return undefined;
        }
        requests += 1;
        return requests === at + 1 ? fault : undefined;
      },
    };
    const provider = await t.openFaulty(plan);
    await act(provider, `${operation}-${at}`);
    assert.ok(requests > 0, `${operation} makes its requests through the Call`);
    if (requests <= at) {
      return;
    }
  }
}

/** The result of a write, or undefined when its error says that it cannot be known. */
async function knownResult<T>(writing: Promise<T>): Promise<{ readonly result: T } | undefined> {
  try {
    return { result: await writing };
  } catch (reason) {
    const error = await refusal(Promise.reject(reason), 'OUTCOME_UNKNOWN');
    assert.equal(error.outcome, 'unknown');
    return undefined;
  }
}

async function stores(
  t: CaseContext,
  fault: Fault,
  conditionFor: (id: string) => Promise<{ readonly ifAbsent?: boolean; readonly ifRevision?: Revision }>,
): Promise<void> {
  const { context } = t;
  await atEachRequest(t, 'store', fault, async (provider, id) => {
    const condition = await conditionFor(id);
    const content = t.record();
    const known = await knownResult(provider.store(id, content, context, condition));
    if (known !== undefined) {
      const found = await t.provider.retrieve(id, context);
      assert.deepEqual(found.record, content);
      assert.equal(found.revision, known.result);
      await hasVersions(t, id, condition.ifRevision === undefined ? 1 : 2);
    }
  });
}

async function deletes(
  t: CaseContext,
  fault: Fault,
  conditionFor: (revision: Revision) => { readonly ifRevision?: Revision },
): Promise<void> {
  const { context } = t;
  await atEachRequest(t, 'delete', fault, async (provider, id) => {
    const revision = await t.provider.store(id, t.record(), context);
    if ((await knownResult(provider.delete(id, context, conditionFor(revision)))) !== undefined) {
      assert.equal(await t.provider.exists(id, context), false);
    }
  });
}

async function restoresVersion(t: CaseContext, fault: Fault): Promise<void> {
  const { context } = t;
  await atEachRequest(t, 'versions.restore', fault, async (provider, id) => {
    const content = t.record();
    await t.provider.store(id, content, context);
    await t.provider.store(id, t.record(), context);
    const { versions } = provider;
    assert.ok(versions);
    const [, old] = await Array.fromAsync(versions.list(id, context));
    assert.ok(old);
    const known = await knownResult(versions.restore(id, old.version, context));
    if (known !== undefined) {
      const found = await t.provider.retrieve(id, context);
      assert.deepEqual(found.record, content);
      assert.equal(found.revision, known.result);
      await hasVersions(t, id, 3);
    }
  });
}

async function restoresDeleted(t: CaseContext, fault: Fault): Promise<void> {
  const { context } = t;
  await atEachRequest(t, 'deleted.restore', fault, async (provider, id) => {
    const content = t.record();
    await t.provider.store(id, content, context);
    await t.provider.delete(id, context);
    const { deleted } = provider;
    assert.ok(deleted);
    const known = await knownResult(deleted.restore(id, context));
    if (known !== undefined) {
      const found = await t.provider.retrieve(id, context);
      assert.deepEqual(found.record, content);
      assert.equal(found.revision, known.result);
    }
  });
}

/** Each write that happened twice would be a version too many. */
async function hasVersions({ provider, context }: CaseContext, id: string, count: number): Promise<void> {
  if (provider.versions !== undefined) {
    const history = await Array.fromAsync(provider.versions.list(id, context));
    assert.equal(history.length, count, 'versions after the write');
  }
}

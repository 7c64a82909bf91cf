import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, type StoredRecord } from '@nebula/credential-core';
import type { CaseContext, CaseGroup } from '../case.ts';
import { failure, refusalWithoutCall } from '../expect.ts';

export const interruption: CaseGroup = {
  group: 'interruption',
  cases: [
    {
      name: 'an aborted signal ends every operation before any call',
      async run({ provider, context, record }) {
        const reason = new Error('enough');
        const signal = AbortSignal.abort(reason);
        const operations = [
          () => provider.store('a', record(), context, { signal }),
          () => provider.retrieve('a', context, { signal }),
          () => provider.head('a', context, { signal }),
          () => provider.exists('a', context, { signal }),
          () => provider.delete('a', context, { signal }),
          () => Array.fromAsync(provider.list({}, context, { signal })),
          () => Array.fromAsync(provider.entries({}, context, { signal })),
        ];
        for (const operation of operations) {
          const error = await refusalWithoutCall(provider, operation, 'ABORTED');
          assert.equal(error.cause, reason);
          assert.equal(error.outcome ?? 'not-applied', 'not-applied');
        }
        assert.equal(await provider.exists('a', context), false);
      },
    },
    {
      name: 'a write that is aborted under way happened as a whole or not at all, and says what is known',
      async run(t) {
        for (const [round, delay] of [0, 0, 1, 2, 5, 10, 20].entries()) {
          const controller = new AbortController();
          const reason = new Error('enough');
          await interrupted(t, `id-${round}`, { signal: controller.signal }, async () => {
            await sleep(delay);
            controller.abort(reason);
          });
        }
      },
    },
    {
      name: 'a read that is aborted under way gives the value or ABORTED',
      async run({ provider, context, record }) {
        const content = record();
        await provider.store('a', content, context);
        for (const delay of [0, 0, 1, 2, 5]) {
          const controller = new AbortController();
          const reason = new Error('enough');
          const reading = provider.retrieve('a', context, { signal: controller.signal }).then(
            (found) => assert.deepEqual(found.record, content),
            async (error: unknown) => {
              assert.ok(hasCode(error, 'ABORTED'), String(error));
              assert.equal(error.cause, reason);
            },
          );
          await sleep(delay);
          controller.abort(reason);
          await reading;
        }
      },
    },
    {
      name: 'a write whose deadline passes happened as a whole or not at all, and says what is known',
      async run(t) {
        for (const [round, timeout] of [1, 1, 2, 5, 10, 20].entries()) {
          await interrupted(t, `id-${round}`, { timeout }, async () => undefined);
        }
      },
    },
    {
      name: 'a signal that is aborted after the end changes nothing',
      async run({ provider, context, record }) {
        const controller = new AbortController();
        const { signal } = controller;
        const content = record();
        await provider.store('a', content, context, { signal });
        const found = await provider.retrieve('a', context, { signal });
        controller.abort();
        assert.deepEqual(found.record, content);
        assert.deepEqual((await provider.retrieve('a', context)).record, content);
      },
    },
  ],
};

const ends: ReadonlySet<string> = new Set(['TIMEOUT', 'RATE_LIMITED', 'UNAVAILABLE', 'OUTCOME_UNKNOWN']);

/** Overwrites a credential, disturbed, and holds what is found afterwards against what the write said of itself. */
async function interrupted(
  { provider, context, record }: CaseContext,
  id: string,
  options: { readonly signal?: AbortSignal; readonly timeout?: number },
  disturb: () => Promise<void>,
): Promise<void> {
  const [before, after] = [record(), record()];
  await provider.store(id, before, context);
  const writing = provider.store(id, after, context, options).then(
    () => [after],
    async (reason: unknown): Promise<StoredRecord[]> => {
      const error = await failure(Promise.reject(reason));
      if (options.signal === undefined) {
        // Also what the last attempt met, where the deadline leaves no time for another.
        assert.ok(ends.has(error.code), error.message);
      } else {
        assert.equal(error.code, 'ABORTED');
        assert.equal(error.cause, options.signal.reason);
      }
      return error.outcome === 'not-applied' ? [before] : [before, after];
    },
  );
  await disturb();
  const possible = await writing;
  const { record: found } = await provider.retrieve(id, context);
  assert.ok(
    possible.some(({ writeId }) => writeId === found.writeId),
    'what is read is what the write left, by its own word',
  );
  assert.deepEqual(
    found,
    possible.find(({ writeId }) => writeId === found.writeId),
  );
}

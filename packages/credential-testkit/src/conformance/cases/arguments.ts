import assert from 'node:assert/strict';
import { ValidationError } from '@nebula/credential-core';
import type { CaseContext, CaseGroup } from '../case.ts';
import { refusalWithoutCall } from '../expect.ts';

export const badArguments: CaseGroup = {
  group: 'arguments',
  cases: [
    {
      name: 'a wrong argument is refused before any call, with where it is wrong',
      async run(t) {
        for (const [path, call] of wrongCalls(t)) {
          const error = await refusalWithoutCall(t.provider, call, 'INVALID_ARGUMENT');
          assert.ok(error instanceof ValidationError);
          const paths = error.issues.map((issue) => issue.path);
          assert.ok(
            paths.some((found) => found === path || found.startsWith(`${path}.`)),
            `expected an issue at ${path}, got ${paths.join(', ')}`,
          );
        }
        assert.deepEqual(await Array.fromAsync(t.provider.list({}, t.context)), []);
      },
    },
    {
      name: 'a refused write says that it was not applied',
      async run({ provider, context, record }) {
        const refused = [
          () => provider.store('..', record(), context),
          () => provider.store('a', record(), context, { timeout: 0 }),
          () => provider.delete('..', context),
        ];
        for (const call of refused) {
          const error = await refusalWithoutCall(provider, call, 'INVALID_ARGUMENT');
          assert.equal(error.outcome, 'not-applied');
        }
      },
    },
  ],
};

/** Calls that TypeScript would refuse, and the path of what is wrong with each. */
function wrongCalls(t: CaseContext): readonly (readonly [path: string, call: () => Promise<unknown>])[] {
  const { context, record } = t;
  // The types are what is being lied about.
  const provider = t.provider as never as Record<
    'store' | 'retrieve' | 'head' | 'exists' | 'delete',
    (...args: unknown[]) => Promise<unknown>
  > &
    Record<'list' | 'entries', (...args: unknown[]) => AsyncIterable<unknown>>;
  const list = (...args: unknown[]): Promise<unknown> => Array.fromAsync(provider.list(...args));
  const { writeId: _writeId, ...withoutWriteId } = record();
  return [
    ['id', () => provider.retrieve(undefined, context)],
    ['id', () => provider.retrieve(7, context)],
    ['id', () => provider.head({}, context)],
    ['id', () => provider.exists(null, context)],
    ['scope', () => provider.retrieve('a', { scope: 7 })],
    ['scope', () => list({}, { scope: 'Not-A-Scope' })],
    ['scpoe', () => provider.retrieve('a', { scpoe: 'team' })],
    ['ownerId', () => provider.retrieve('a', { ownerId: '' })],
    ['traceId', () => provider.retrieve('a', { traceId: 'line\nbreak' })],
    ['', () => provider.retrieve('a', 'team')],
    ['', () => provider.retrieve('a', context, 'now')],
    ['timeout', () => provider.retrieve('a', context, { timeout: 0 })],
    ['timeout', () => provider.retrieve('a', context, { timeout: 60_001 })],
    ['timeout', () => provider.retrieve('a', context, { timeout: '5s' })],
    ['timeout', () => provider.delete('a', context, { timeout: Number.NaN })],
    ['signal', () => provider.head('a', context, { signal: 'stop' })],
    ['timeuot', () => provider.exists('a', context, { timeuot: 5 })],
    ['ifAbsent', () => provider.store('a', record(), context, { ifAbsent: 'yes' })],
    ['ifRevision', () => provider.store('a', record(), context, { ifRevision: 1 })],
    ['ifRevision', () => provider.delete('a', context, { ifRevision: '' })],
    ['version', () => provider.retrieve('a', context, { version: 1 })],
    ['tags', () => list({ tags: 'team' }, context)],
    ['tags', () => list({ tags: { team: 7 } }, context)],
    ['tags', () => list({ tags: { '': 'x' } }, context)],
    ['tag', () => list({ tag: { team: 'payments' } }, context)],
    ['modifiedAfter', () => list({ modifiedAfter: '2026-01-01' }, context)],
    ['modifiedBefore', () => list({ modifiedBefore: new Date(Number.NaN) }, context)],
    ['writeId', () => provider.store('a', withoutWriteId, context)],
    ['writeId', () => provider.store('a', { ...record(), writeId: 'short' }, context)],
    [
      'meta.lastModified',
      () => provider.store('a', { ...record(), meta: { lastModified: 'now', tags: {} } }, context),
    ],
  ];
}

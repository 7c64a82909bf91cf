import assert from 'node:assert/strict';
import type { Revision } from '@nebula/credential-core';
import type { CaseContext, Need } from './case.ts';
import { refusalWithoutCall } from './expect.ts';

/** What a provider without a capability owes: UNSUPPORTED before any call, or no member at all. */
export const unsupported: Readonly<Record<Need, (t: CaseContext) => Promise<void>>> = {
  ifAbsent: (t) => refusesStore(t, { ifAbsent: true }),
  ifRevision: (t) => refusesStore(t, { ifRevision: 'r' as Revision }),
  async deleteIfRevision({ provider, context, record }) {
    const revision = await provider.store('a', record(), context);
    const error = await refusalWithoutCall(
      provider,
      () => provider.delete('a', context, { ifRevision: revision }),
      'UNSUPPORTED',
    );
    assert.equal(error.outcome, 'not-applied');
    assert.equal(await provider.exists('a', context), true);
  },
  async versions({ provider, context, record }) {
    assert.equal(provider.versions, undefined);
    await provider.store('a', record(), context);
    await refusalWithoutCall(
      provider,
      () => provider.retrieve('a', context, { version: '1' }),
      'UNSUPPORTED',
    );
  },
  async deleted({ provider }) {
    assert.equal(provider.deleted, undefined);
  },
  async scopes({ provider }) {
    assert.equal(provider.scopes, undefined);
  },
  async watch({ provider }) {
    assert.equal(provider.watch, undefined);
  },
  async plainValues({ provider, context, record }) {
    const { jwe: _jwe, ...header } = record();
    const plain = { ...header, value: Buffer.from('value') };
    const error = await refusalWithoutCall(
      provider,
      () => provider.store('refused', plain, context),
      'UNSUPPORTED',
    );
    assert.equal(error.outcome, 'not-applied');
    assert.equal(await provider.exists('refused', context), false);
  },
  async nativeName({ provider, context }) {
    await refusalWithoutCall(
      provider,
      () => provider.retrieve('a', context, { nativeName: 'name' }),
      'UNSUPPORTED',
    );
  },
};

async function refusesStore(
  { provider, context, record }: CaseContext,
  condition: { readonly ifAbsent?: boolean; readonly ifRevision?: Revision },
): Promise<void> {
  const error = await refusalWithoutCall(
    provider,
    () => provider.store('refused', record(), context, condition),
    'UNSUPPORTED',
  );
  assert.equal(error.outcome, 'not-applied');
  assert.equal(await provider.exists('refused', context), false);
}

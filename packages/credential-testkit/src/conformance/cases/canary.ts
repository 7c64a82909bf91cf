import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  CredentialManager,
  type EncryptedRecord,
  EncryptionKey,
  EncryptionManager,
  isEncrypted,
  type Revision,
} from '@nebula/credential-core';
import type { CaseContext, CaseGroup } from '../case.ts';
import { eavesdrop } from '../eavesdrop.ts';
import { failure } from '../expect.ts';
import { createKeys } from '../samples.ts';
import { exposuresOf, formsOf } from '../traces.ts';

export const canary: CaseGroup = {
  group: 'canary',
  cases: [
    {
      name: 'no value, key or token shows in errors, output, metrics or channel messages',
      async run(t) {
        const value = `canary-${randomBytes(12).toString('hex')}`;
        const key = randomBytes(32);
        const keys = new EncryptionManager({ primary: await EncryptionKey.fromBytes(key) });
        await search(t, { value, key }, async (provider, seen) => {
          const manager = new CredentialManager({ provider, encryption: keys, context: t.context });
          await succeed(manager, value);
          seen.push(...(await failures(t, manager, value)), keys, manager);
        });
      },
    },
    {
      name: 'no plain value shows either',
      needs: ['plainValues'],
      async run(t) {
        const value = `canary-${randomBytes(12).toString('hex')}`;
        await search(t, { value }, async (provider, seen) => {
          const manager = new CredentialManager({ provider, encryption: 'provider', context: t.context });
          await succeed(manager, value);
          seen.push(...(await failures(t, manager, value)), manager);
        });
      },
    },
    {
      name: 'no secret of the configuration shows when the backend refuses or cannot be reached',
      async run({ harness, context, record }) {
        const { secrets = [], openBroken } = harness;
        if (openBroken === undefined) {
          assert.equal(secrets.length, 0, 'harness.secrets needs harness.openBroken');
          return;
        }
        const broken = await openBroken();
        const errors: unknown[] = [];
        const heard = await eavesdrop(async () => {
          const operations = [
            () => broken.connect(),
            () => broken.check(),
            () => broken.store('a', record(), context),
            () => broken.retrieve('a', context),
            () => broken.exists('a', context),
            () => broken.delete('a', context),
            () => Array.fromAsync(broken.list({}, context)),
          ];
          for (const operation of operations) {
            errors.push(await failure(operation()));
          }
          await broken.close();
        });
        assertHidden(configured(secrets), [...errors, broken, broken.metrics.snapshot()], heard);
      },
    },
  ],
};

/** Runs `body` with a provider of its own, and then searches everything that anybody could have seen of it. */
async function search(
  t: CaseContext,
  secrets: Readonly<Record<string, string | Uint8Array>>,
  body: (provider: CaseContext['provider'], seen: unknown[]) => Promise<void>,
): Promise<void> {
  const seen: unknown[] = [];
  const heard = await eavesdrop(async () => {
    const provider = await t.open();
    await body(provider, seen);
    seen.push(provider, provider.metrics.snapshot());
    await provider.close();
    seen.push(await failure(provider.retrieve('a', t.context)));
  });
  assert.ok(heard.length > 0, 'the diagnostics channel tells of what was done');
  assertHidden({ ...secrets, ...configured(t.harness.secrets) }, seen, heard);
}

function configured(secrets: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(secrets.map((secret, at) => [`configured secret ${at + 1}`, secret]));
}

function assertHidden(
  secrets: Readonly<Record<string, string | Uint8Array>>,
  seen: readonly unknown[],
  heard: readonly string[],
): void {
  const texts = [...seen.map(exposuresOf), ...heard];
  for (const [name, secret] of Object.entries(secrets)) {
    const forms = formsOf(Buffer.from(secret));
    const found = texts.find((text) => forms.some((form) => text.includes(form)));
    // Says where, not what: the report of a test is a place where it would show.
    assert.ok(found === undefined, `the ${name} shows in: ${found && withoutSecret(found, forms)}`);
  }
}

function withoutSecret(text: string, forms: readonly string[]): string {
  return forms.reduce((rest, form) => rest.replaceAll(form, '[the secret]'), text).slice(0, 2_000);
}

async function succeed(manager: CredentialManager, value: string): Promise<void> {
  await manager.store('a', value, { tags: { team: 'payments' } });
  await manager.store('a', Buffer.from(value));
  const { secret } = await manager.retrieve('a');
  assert.equal(await secret.expose((bytes) => bytes.toString()), value);
  await manager.head('a');
  await Array.fromAsync(manager.entries());
}

/** Makes everything fail that can be made to fail, with the secret as near as it gets. */
async function failures(t: CaseContext, manager: CredentialManager, value: string): Promise<unknown[]> {
  const { capabilities, context } = t;
  const { provider } = manager;
  const misplaced = value as never;
  const calls = [
    () => manager.retrieve('absent'),
    () => manager.store('a', value, { ifAbsent: true }),
    () => manager.store('a', value, { ifRevision: 'r' as Revision }),
    () => manager.delete('a', { ifRevision: 'r' as Revision }),
    () => manager.store('a', value.repeat(Math.ceil((4 * capabilities.maxPlaintextBytes) / value.length))),
    () => manager.store('a', value, { signal: AbortSignal.abort() }),
    () => manager.store(`${value} `, value),
    () => manager.store('a', value, misplaced),
    () => manager.store('a', value, { tags: misplaced }),
    () => manager.store('a', value, { tags: { password: `${value}\n` } }),
    () => manager.store('a', value, { timeout: misplaced }),
    () => manager.store('a', value, { context: { scope: `${value}/` } }),
    () => manager.store('a', { value } as never),
    () => manager.retrieve('a', { signal: misplaced }),
    () => Array.fromAsync(manager.list({ tags: misplaced })),
    () => Array.fromAsync(manager.list({ modifiedAfter: misplaced })),
    () => provider.store('a', misplaced, context),
  ];
  const errors: unknown[] = [];
  for (const call of calls) {
    errors.push(await failure(call()));
  }
  const { record } = await provider.retrieve('a', context);
  return isEncrypted(record) ? [...errors, ...(await unreadable(t, manager, record))] : errors;
}

/** Errors of records that do not open. */
async function unreadable(
  { context }: CaseContext,
  manager: CredentialManager,
  record: EncryptedRecord,
): Promise<unknown[]> {
  const { provider } = manager;
  const stranger = new CredentialManager({ provider, encryption: await createKeys(), context });
  const flipped = record.jwe.tag.startsWith('A') ? 'B' : 'A';
  const jwe = { ...record.jwe, tag: `${flipped}${record.jwe.tag.slice(1)}` };
  await provider.store('altered', { ...record, jwe }, context);
  await provider.store('moved', record, context);
  return [
    await failure(stranger.retrieve('a')),
    await failure(manager.retrieve('altered')),
    await failure(manager.retrieve('moved')),
  ];
}

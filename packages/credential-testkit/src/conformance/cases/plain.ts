import assert from 'node:assert/strict';
import { CredentialManager } from '@nebula/credential-core';
import type { CaseContext, CaseGroup } from '../case.ts';
import { refusal } from '../expect.ts';
import { createKeys, readBack, samples } from '../samples.ts';

const plainManager = ({ provider, context }: CaseContext): CredentialManager =>
  new CredentialManager({ provider, encryption: 'provider', context });

export const plainValues: CaseGroup = {
  group: 'plain values',
  cases: [
    {
      name: 'text comes back as it was, and is not an envelope',
      needs: ['plainValues'],
      async run(t) {
        const manager = plainManager(t);
        await manager.store('a', 'pässword 🔑');
        await readBack(manager, 'a', Buffer.from('pässword 🔑'));
        const { record } = await t.provider.retrieve('a', t.context);
        assert.ok('value' in record && !('jwe' in record));
        await manager.store('a', 'next');
        await readBack(manager, 'a', Buffer.from('next'));
      },
    },
    {
      name: 'what cannot be held as it is comes back byte for byte or is refused',
      needs: ['plainValues'],
      async run(t) {
        const manager = plainManager(t);
        for (const [name, value] of Object.entries(samples)) {
          const error = await manager.store('a', value).then(
            () => undefined,
            (reason: unknown) => reason,
          );
          if (error === undefined) {
            await readBack(manager, 'a', value);
          } else {
            const refused = await refusal(Promise.reject(error), 'UNSUPPORTED', 'INVALID_ARGUMENT');
            assert.equal(refused.outcome, 'not-applied', name);
          }
        }
      },
    },
    {
      name: 'the bytes in the storage are not those of the caller or of a reader',
      needs: ['plainValues'],
      async run(t) {
        const manager = plainManager(t);
        const value = Buffer.from('original');
        await manager.store('a', value);
        value.fill('x');
        const { record } = await t.provider.retrieve('a', t.context);
        assert.ok('value' in record);
        record.value.fill(0);
        await readBack(manager, 'a', Buffer.from('original'));
      },
    },
    {
      name: 'tags and dates are kept beside a plain value',
      needs: ['plainValues'],
      async run(t) {
        const manager = plainManager(t);
        const tags = { team: 'payments' };
        await manager.store('a', 'value', { tags });
        await manager.store('b', 'value');
        const { metadata } = await manager.retrieve('a');
        assert.deepEqual(metadata.tags, tags);
        assert.ok(metadata.lastModified instanceof Date);
        if (t.capabilities.metadataAtomic) {
          const given = { expiresAt: new Date('2100-01-01'), rotationPolicy: { intervalDays: 30 }, tags };
          await manager.store('a', 'value', given);
          const whole = (await manager.retrieve('a')).metadata;
          assert.deepEqual(whole.expiresAt, given.expiresAt);
          assert.deepEqual(whole.rotationPolicy, given.rotationPolicy);
        }
        await t.settled(async () => {
          assert.deepEqual(await Array.fromAsync(manager.list({ tags })), ['a']);
        });
      },
    },
    {
      name: 'neither mode reads what the other wrote, unless told to',
      needs: ['plainValues'],
      async run(t) {
        const { provider, context } = t;
        const keys = await createKeys();
        const encrypting = new CredentialManager({ provider, encryption: keys, context });
        const plain = plainManager(t);
        await encrypting.store('sealed', 'one');
        await plain.store('open', 'two');
        await refusal(encrypting.retrieve('open'), 'CORRUPTED');
        await refusal(plain.retrieve('sealed'), 'INVALID_CONFIG');
        const both = { provider, context };
        const fromPlain = new CredentialManager({ ...both, encryption: keys, alsoRead: 'plain' });
        const fromSealed = new CredentialManager({ ...both, encryption: 'provider', alsoRead: keys });
        for (const manager of [fromPlain, fromSealed]) {
          await readBack(manager, 'sealed', Buffer.from('one'));
          await readBack(manager, 'open', Buffer.from('two'));
        }
      },
    },
    {
      name: 'writing in the other mode replaces the value whole',
      needs: ['plainValues'],
      async run(t) {
        const { provider, context } = t;
        const encrypting = new CredentialManager({ provider, encryption: await createKeys(), context });
        const plain = plainManager(t);
        await plain.store('a', 'one');
        await encrypting.store('a', 'two');
        await readBack(encrypting, 'a', Buffer.from('two'));
        await refusal(plain.retrieve('a'), 'INVALID_CONFIG');
        await plain.store('a', 'three');
        await readBack(plain, 'a', Buffer.from('three'));
      },
    },
    {
      name: 'an object that another tool made is read by its native name, and listed nowhere',
      needs: ['nativeName', 'plainValues'],
      async run(t) {
        const { harness, unscopedId } = t;
        assert.ok(harness.plant, 'capabilities.nativeName needs harness.plant');
        const id = unscopedId();
        const nativeName = await harness.plant(id, Buffer.from('made elsewhere'));
        const manager = new CredentialManager({ provider: t.provider, encryption: 'provider' });
        const { secret } = await manager.retrieve('elsewhere', { nativeName });
        assert.equal(await secret.expose((bytes) => bytes.toString()), 'made elsewhere');
        const listed: string[] = await Array.fromAsync(manager.list());
        assert.ok(!listed.includes(id), 'lists show only what carries our marker');
        await refusal(manager.retrieve('elsewhere', { nativeName: `${nativeName}-absent` }), 'NOT_FOUND');
      },
    },
    {
      name: 'an object that another tool made is written over only with adopt',
      needs: ['nativeName', 'plainValues'],
      async run(t) {
        const { harness, unscopedId } = t;
        assert.ok(harness.plant, 'capabilities.nativeName needs harness.plant');
        const id = unscopedId();
        await harness.plant(id, Buffer.from('made elsewhere'));
        const manager = new CredentialManager({ provider: t.provider, encryption: 'provider' });
        await refusal(manager.store(id, 'ours'), 'INVALID_STATE');
        await manager.store(id, 'ours', { adopt: true });
        await readBack(manager, id, Buffer.from('ours'));
      },
    },
  ],
};

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { CredentialManager, EncryptionManager, Secret, StorageError } from '@nebula/credential-core';
import type { CaseContext, CaseGroup } from '../case.ts';
import { refusal } from '../expect.ts';
import { createKey, createKeys, readBack, samples } from '../samples.ts';

export const values: CaseGroup = {
  group: 'values',
  cases: [
    ...Object.entries(samples).map(([name, value]) => ({
      name: `${name} comes back byte for byte`,
      async run({ provider, context }: CaseContext): Promise<void> {
        const manager = new CredentialManager({ provider, encryption: await createKeys(), context });
        await manager.store('a', value);
        await readBack(manager, 'a', value);
      },
    })),
    {
      name: 'the largest value fits under the longest id',
      async run({ provider, capabilities, otherContext, context }) {
        const longest = otherContext(`${context.scope}`.padEnd(63, 'x'));
        const manager = new CredentialManager({ provider, encryption: await createKeys(), context: longest });
        const value = randomBytes(capabilities.maxPlaintextBytes);
        const id = 'x'.repeat(128);
        const dates = {
          createdAt: new Date(),
          expiresAt: new Date('9999-12-31'),
          rotationPolicy: { intervalDays: 3_650 },
        };
        await manager.store(id, value, dates);
        await readBack(manager, id, value);
      },
    },
    {
      name: 'what does not fit is TOO_LARGE with size and limit, and leaves the old value',
      async run({ provider, capabilities, context }) {
        const manager = new CredentialManager({ provider, encryption: await createKeys(), context });
        const { maxPlaintextBytes: fits } = capabilities;
        let kept: Uint8Array = Buffer.from('kept');
        await manager.store('a', kept);
        for (let extra = 1; ; extra *= 4) {
          assert.ok(extra < 4 * fits + 1_000_000, 'a value several times the largest is still accepted');
          const value = randomBytes(fits + extra);
          const error = await manager.store('a', value).then(
            () => undefined,
            (reason: unknown) => reason,
          );
          if (error !== undefined) {
            const refused = await refusal(Promise.reject(error), 'TOO_LARGE');
            assert.ok(refused instanceof StorageError);
            assert.equal(refused.outcome, 'not-applied');
            assert.ok(Number(refused.size) > Number(refused.limit), 'size is beyond limit');
            break;
          }
          kept = value;
          await readBack(manager, 'a', kept);
        }
        await readBack(manager, 'a', kept);
      },
    },
    {
      name: 'metadata that an application gives comes back with the value',
      async run({ provider, context }) {
        const manager = new CredentialManager({ provider, encryption: await createKeys(), context });
        const given = {
          createdAt: new Date('2001-02-03T04:05:06.007Z'),
          expiresAt: new Date('2002-02-03T04:05:06.007Z'),
          rotationPolicy: { intervalDays: 90 },
          tags: { team: 'payments' },
        };
        const before = Date.now();
        const revision = await manager.store('a', 'value', given);
        const found = await manager.retrieve('a');
        const { lastModified, ...metadata } = found.metadata;
        assert.deepEqual(metadata, given);
        assert.ok(lastModified.getTime() >= before && lastModified.getTime() <= Date.now());
        assert.equal(found.revision, revision);
        assert.equal(found.expired, true);
        await refusal(manager.retrieve('a', { onExpired: 'throw' }), 'INVALID_STATE');
      },
    },
    {
      name: 'a Secret is stored as its bytes and stays usable',
      async run({ provider, context }) {
        const manager = new CredentialManager({ provider, encryption: await createKeys(), context });
        using secret = Secret.from('pässword');
        await manager.store('a', secret);
        await readBack(manager, 'a', Buffer.from('pässword'));
        assert.equal(await secret.expose((bytes) => bytes.toString()), 'pässword');
      },
    },
    {
      name: 'rotation re-encrypts every credential, and none is lost',
      needs: ['ifRevision'],
      async run({ provider, context }) {
        const [old, next] = [await createKey(), await createKey()];
        const before = new CredentialManager({
          provider,
          encryption: new EncryptionManager({ primary: old }),
          context,
        });
        const ids = Array.from({ length: 10 }, (_, at) => `id-${at}`);
        await Promise.all(ids.map((id) => before.store(id, id)));
        const both = new EncryptionManager({ primary: next, retired: [old] });
        const report = await new CredentialManager({ provider, encryption: both, context }).rotateKeys();
        assert.deepEqual([report.rotated, report.failed], [ids.length, 0]);
        const after = new CredentialManager({
          provider,
          encryption: new EncryptionManager({ primary: next }),
          context,
        });
        for (const id of ids) {
          await readBack(after, id, Buffer.from(id));
        }
      },
    },
  ],
};

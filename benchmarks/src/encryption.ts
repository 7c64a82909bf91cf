// What encrypting and decrypting one value costs, beside the bare minimum that the algorithms ask for.
import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { type CredentialId, createWriteId, EncryptionKey, EncryptionManager } from '@nebula/credential-core';
import { Bench } from 'tinybench';

const sizes = [32, 1_024, 16_384] as const;
const id = 'github/token' as CredentialId;
const encryption = new EncryptionManager({ primary: EncryptionKey.generate() });
const kek = createSecretKey(randomBytes(32));
const rows: Record<string, unknown>[] = [];

for (const size of sizes) {
  const plaintext = randomBytes(size);
  const writeId = createWriteId();
  const meta = { lastModified: new Date().toISOString(), tags: { team: 'platform' } };
  const binding = { id, scope: undefined, writeId, meta };
  const record = {
    v: 1,
    kind: 'value',
    writeId,
    meta,
    jwe: await encryption.encrypt(plaintext, binding),
  } as const;
  const bench = new Bench({ time: 1_000, warmupTime: 300, retainSamples: true });
  bench.add('encrypt', () => encryption.encrypt(plaintext, binding));
  bench.add('decrypt', () => encryption.decrypt(record, { id, scope: undefined }));
  bench.add('floor: wrap a fresh key, AES-256-GCM, base64url', () => floor(plaintext));
  await bench.run();
  const p50 = bench.tasks.map(({ result }) =>
    result && 'latency' in result ? result.latency.p50 : Number.NaN,
  );
  for (const [index, { name, result }] of bench.tasks.entries()) {
    const latency = result && 'latency' in result ? result.latency : undefined;
    rows.push({
      bytes: size,
      task: name,
      'p50 ms': latency?.p50?.toFixed(4),
      'p95 ms': percentile(latency?.samples, 0.95)?.toFixed(4),
      'to floor (p50)': ((p50[index] ?? Number.NaN) / (p50.at(-1) ?? Number.NaN)).toFixed(2),
    });
  }
}
if (process.argv.includes('--json')) {
  console.log(JSON.stringify(rows));
} else {
  console.table(rows);
}

function percentile(samples: readonly number[] | undefined, part: number): number | undefined {
  return samples && [...samples].sort((a, b) => a - b)[Math.floor(samples.length * part)];
}

function floor(plaintext: Buffer): string {
  const contentKey = randomBytes(32);
  const wrap = createCipheriv('id-aes256-wrap', kek, Buffer.alloc(8, 0xa6));
  const wrapped = Buffer.concat([wrap.update(contentKey), wrap.final()]);
  const cipher = createCipheriv('aes-256-gcm', contentKey, randomBytes(12), { authTagLength: 16 });
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return (
    wrapped.toString('base64url') +
    ciphertext.toString('base64url') +
    cipher.getAuthTag().toString('base64url')
  );
}

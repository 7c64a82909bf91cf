// A guided tour of credentials in an encrypted folder. Everything happens in a new temporary directory, with a key made
// for this run.
import { randomBytes } from 'node:crypto';
import { lstat, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import {
  CredentialError,
  CredentialManager,
  EncryptionKey,
  EncryptionManager,
} from '@nebula/credential-core';
import { LocalStorageProvider } from '@nebula/credential-local';
import { chapter, run, show } from './tour.ts';

const home = await mkdtemp(join(tmpdir(), 'nebula-demo-'));
const remove = () => rm(home, { recursive: true, force: true });
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void remove().then(() => process.exit(1)));
}
try {
  await tour();
} finally {
  await remove();
}

async function tour(): Promise<void> {
  console.log(`This tour keeps its files in ${home} and removes them at the end.`);

  chapter('A key and a folder', 'The key is made now. It lies in a file of its own that only you can read.');
  const directory = join(home, 'credentials');
  const keyFile = join(home, 'nebula.key');
  const credentials = await run(async () => {
    const key = await EncryptionKey.createFile(keyFile);
    const encryption = new EncryptionManager({ primary: key });
    const provider = new LocalStorageProvider({ directory });
    return new CredentialManager({ provider, encryption });
  }, 'credentials');
  show('key file', `${keyFile} (mode ${await modeOf(keyFile)})`);

  chapter(
    'Store',
    'Text or bytes, with tags to find them by. Each write is encrypted under a fresh content key.',
  );
  const made = {
    githubToken: `ghp_${randomBytes(27).toString('base64url').slice(0, 36)}`,
    databasePassword: randomBytes(18).toString('base64'),
    certificate: rootCertificates[0] ?? '',
    signingKey: randomBytes(64),
  };
  await run(async () => {
    const inNinetyDays = new Date(Date.now() + 90 * 24 * 3_600_000);
    const production = { team: 'platform', stage: 'production' };
    await credentials.store('github/token', made.githubToken, { tags: production, expiresAt: inNinetyDays });
    await credentials.store('postgres/password', made.databasePassword, { tags: production });
    await credentials.store('tls/certificate.pem', made.certificate, { tags: { team: 'edge' } });
    await credentials.store('webhooks/signing-key', made.signingKey, { tags: { team: 'platform' } });
  });
  show('stored', '4 credentials: a GitHub token, a database password, a PEM certificate, a binary key');

  chapter('List by tag', 'Lists read no secret.');
  await run(async () => {
    for await (const { id, tags } of credentials.entries({ tags: { team: 'platform' } })) {
      show(id, JSON.stringify(tags));
    }
  });

  chapter('Read', 'A secret does not print itself: it has to be opened.');
  const token = await run(async () => {
    return await credentials.retrieve('github/token');
  }, 'token');
  show('printed', String(token.secret));
  await token.secret.expose((bytes) => {
    show('opened', `${bytes.toString().slice(0, 8)}... (${bytes.byteLength} bytes)`);
    show('as stored', bytes.toString() === made.githubToken ? 'yes' : 'NO');
  });
  show('expires', token.metadata.expiresAt?.toISOString());

  chapter('On disk', 'One file a credential, named after it. Tags are readable; the value is not.');
  const file = await fileOf(directory, 'github');
  const text = await readFile(file, 'utf8');
  show('file', `${file.slice(home.length + 1)} (mode ${await modeOf(file)})`);
  show('content', abbreviated(text));
  show('holds the token', text.includes(made.githubToken) ? 'YES' : 'no');

  chapter('One byte changed', 'Somebody edits the file: one character of the ciphertext.');
  await writeFile(file, withOneByteChanged(text));
  explain(
    await run(async () => {
      return await credentials.retrieve('github/token').catch((error) => error);
    }, 'error'),
  );
  await writeFile(file, text);
  show('put back', `${(await credentials.retrieve('github/token')).secret.size} bytes`);

  chapter('Two writers', 'Both read the same state; the second to write is told, and nothing is lost.');
  explain(
    await run(async () => {
      const { revision } = await credentials.head('postgres/password');
      await credentials.store('postgres/password', 'from the first', { ifRevision: revision });
      return await credentials
        .store('postgres/password', 'from the second', { ifRevision: revision })
        .catch((error) => error);
    }, 'error'),
  );

  await credentials.provider.close();
  chapter(
    'What next',
    '  - The same in ten lines: README.md, or examples/src/first.ts.',
    '  - Another backend: only the provider changes; docs/design.md says how.',
    '  - Keys from a passphrase, rotation, what is and is not defended: docs/threat-model.md.',
    '  - Your own backend: docs/add-a-driver.md and @nebula/credential-testkit.',
    '  - Run the tests: npx pnpm@12 test',
  );
}

function explain(error: unknown): void {
  if (!(error instanceof CredentialError)) {
    throw error instanceof Error ? error : new Error('this step was meant to fail');
  }
  show('code', error.code);
  show('message', error.message);
  show('remedy', error.remedy);
}

async function modeOf(path: string): Promise<string> {
  return ((await lstat(path)).mode & 0o777).toString(8).padStart(4, '0');
}

async function fileOf(directory: string, part: string): Promise<string> {
  const names = await readdir(directory, { recursive: true });
  const found = names.find((name) => name.includes(part) && name.endsWith('.json'));
  if (found === undefined) {
    throw new Error(`no file for ${part} in ${names.join(', ')}`);
  }
  return join(directory, found);
}

/** The file's JSON, long strings cut. */
function abbreviated(text: string): string {
  const cut = (_key: string, value: unknown) =>
    typeof value === 'string' && value.length > 40
      ? `${value.slice(0, 24)}... (${value.length} characters)`
      : value;
  return JSON.stringify(JSON.parse(text, cut), null, 2).replaceAll('\n', '\n  ');
}

function withOneByteChanged(text: string): string {
  const at = text.indexOf('"ciphertext":"') + '"ciphertext":"'.length;
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
}

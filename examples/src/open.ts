import { CredentialManager, EncryptionKey, EncryptionManager, openProvider } from '@nebula/credential-core';

const key = await EncryptionKey.fromFile('nebula.key', { create: true });
const url = process.env['CREDENTIALS'] ?? `local://${process.cwd()}/credentials`;
const provider = await openProvider(url, { drivers: { local: () => import('@nebula/credential-local') } });
const credentials = new CredentialManager({ provider, encryption: new EncryptionManager({ primary: key }) });
for await (const id of credentials.list()) console.log(id);
await provider.close();

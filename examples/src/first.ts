import { CredentialManager, EncryptionKey, EncryptionManager } from '@nebula/credential-core';
import { LocalStorageProvider } from '@nebula/credential-local';

const key = await EncryptionKey.fromFile('nebula.key', { create: true });
const provider = new LocalStorageProvider({ directory: 'credentials' });
const credentials = new CredentialManager({ provider, encryption: new EncryptionManager({ primary: key }) });

await credentials.store('github/token', 'a token', { tags: { team: 'platform' } });
const { secret } = await credentials.retrieve('github/token');
console.log(`${secret} holds ${await secret.expose((bytes) => bytes.toString())}`);
for await (const id of credentials.list({ tags: { team: 'platform' } })) console.log(id);
await provider.close();

import {
  CredentialManager,
  EncryptionKey,
  EncryptionManager,
  hasCode,
  type StorageProvider,
} from '@nebula/credential-core';
import { LocalStorageProvider } from '@nebula/credential-local';

/** Changes a credential that others change too: nobody's change is lost, and the first to store it wins. */
export async function update(
  credentials: CredentialManager,
  id: string,
  change: (value: string | undefined) => string,
): Promise<void> {
  for (;;) {
    try {
      const current = (await credentials.exists(id)) ? await credentials.retrieve(id) : undefined;
      const value = await current?.secret.expose((bytes) => bytes.toString());
      const condition = current === undefined ? { ifAbsent: true } : { ifRevision: current.revision };
      await credentials.store(id, change(value), condition);
      return;
    } catch (error) {
      // Changed, made or deleted by somebody else in between: begin again with what is there now.
      if (!hasCode(error, 'CONFLICT', 'ALREADY_EXISTS', 'NOT_FOUND')) {
        throw error;
      }
    }
  }
}

const provider: StorageProvider = new LocalStorageProvider({ directory: 'credentials' });
const key = await EncryptionKey.fromFile('nebula.key', { create: true });
const credentials = new CredentialManager({ provider, encryption: new EncryptionManager({ primary: key }) });
const visit = () => update(credentials, 'visits', (count = '0') => String(Number(count) + 1));
await Promise.all([visit(), visit(), visit()]);
const { secret } = await credentials.retrieve('visits');
console.log(await secret.expose((bytes) => bytes.toString()));
await provider.close();

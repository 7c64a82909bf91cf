import {
  CredentialManager,
  createPassphraseDescriptor,
  EncryptionKey,
  EncryptionManager,
} from '@nebula/credential-core';
import { LocalStorageProvider } from '@nebula/credential-local';

// Yesterday: a random key in a file.
const old = await EncryptionKey.fromFile('nebula.key', { create: true });
const provider = new LocalStorageProvider({ directory: 'credentials' });
const before = new CredentialManager({ provider, encryption: new EncryptionManager({ primary: old }) });
await before.store('github/token', 'a token');

// Today: a key from a passphrase. Keep the descriptor, it is no secret: without it the passphrase opens nothing.
const passphrase = 'read from a prompt, not from the source';
const descriptor = await createPassphraseDescriptor(passphrase);
const key = EncryptionKey.fromPassphrase(passphrase, descriptor);

// Both keys read; the new one writes. Rotation re-encrypts what the old one wrote, while others read and write.
const encryption = new EncryptionManager({ primary: key, retired: [old] });
const after = new CredentialManager({ provider, encryption });
const report = await after.rotateKeys({
  onProgress: ({ id, result, done }) => console.log(`${done}: ${id} ${result}`),
});
console.log(`${report.rotated} rotated, ${report.failed} failed`);
await provider.close();

/** What one package may depend on beside core. */
export interface DependencyRule {
  /** Its own: for a backend, the SDK. No other package may bring it in, directly or through others. */
  readonly own: readonly string[];
}

/** Core stands alone; every other package may depend on it and on no other package of ours. */
export const corePackage = '@nebula/credential-core';

/** What any package may use. */
export const shared: readonly string[] = ['valibot'];

/** By a package's short name. A package without a line here fails the check. */
export const rules: Readonly<Record<string, DependencyRule>> = {
  core: { own: ['@noble/hashes', 'leven', 'p-retry'] },
  local: { own: ['fs-native-extensions', 'write-file-atomic'] },
  testkit: { own: [] },
  aws: { own: ['@aws-sdk/client-secrets-manager'] },
  azure: { own: ['@azure/identity', '@azure/keyvault-secrets'] },
  vault: { own: ['node-vault'] },
  k8s: { own: ['@kubernetes/client-node'] },
  cli: { own: [] },
};

/** What the other packages keep to themselves. Core's own are everybody's, since everybody depends on core. */
export function ownOfOthers(shortName: string): string[] {
  return Object.entries(rules)
    .filter(([name]) => name !== shortName && name !== 'core')
    .flatMap(([, rule]) => rule.own);
}

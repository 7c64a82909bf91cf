import type { StorageProvider } from '@nebula/credential-core';
import type { CaseContext } from './case.ts';

/** One call of everything that a provider offers. */
export function operationsOf(
  provider: StorageProvider,
  t: CaseContext,
): Record<string, () => Promise<unknown>> {
  const { context, record } = t;
  const { versions, deleted, scopes, watch } = provider;
  return {
    connect: () => provider.connect(),
    check: () => provider.check(),
    store: () => provider.store('a', record(), context),
    retrieve: () => provider.retrieve('a', context),
    head: () => provider.head('a', context),
    exists: () => provider.exists('a', context),
    delete: () => provider.delete('a', context),
    list: () => Array.fromAsync(provider.list({}, context)),
    entries: () => Array.fromAsync(provider.entries({}, context)),
    ...(scopes && { scopes: () => Array.fromAsync(scopes()) }),
    ...(watch && { watch: () => Array.fromAsync(watch({}, context)) }),
    ...(versions && {
      'versions.list': () => Array.fromAsync(versions.list('a', context)),
      'versions.restore': () => versions.restore('a', '1', context),
    }),
    ...(deleted && {
      'deleted.list': () => Array.fromAsync(deleted.list(context)),
      'deleted.restore': () => deleted.restore('a', context),
      'deleted.purge': () => deleted.purge('a', context),
    }),
  };
}

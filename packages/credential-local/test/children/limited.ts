/**
 * Stores under a limit that its parent gave it, and reports each result as a line of JSON.
 * Arguments: what to do, folder, kind of locks.
 */
import { closeSync, openSync } from 'node:fs';
import { CredentialError, hasCode } from '@nebula/credential-core';
import type { Locking } from '../../src/config.ts';
import { LocalStorageProvider } from '../../src/provider.ts';
import { recordOf } from '../records.ts';

const [task, directory = '', locking = 'auto'] = process.argv.slice(2);
const options = { directory, locking: locking as Locking, retry: { maxRetries: 0 } };

switch (task) {
  case 'prepare': {
    await using provider = new LocalStorageProvider(options);
    await provider.store('a', recordOf({ value: 'old' }));
    break;
  }
  case 'denied': {
    await using provider = new LocalStorageProvider(options);
    report(await outcomeOf(provider, 'new'));
    break;
  }
  case 'few-files':
    await runOutOfFiles();
    break;
  default:
    throw new Error(`no such task: ${task}`);
}

/** With no file left to open, one, two and so on, so that each step of a write meets the limit. */
async function runOutOfFiles(): Promise<void> {
  for (let spare = 0; spare <= 8; spare += 1) {
    await using warm = new LocalStorageProvider(options);
    await using provider = new LocalStorageProvider(options);
    await warm.store('a', recordOf({ value: 'old' }));
    await provider.connect();
    const opened = openAll();
    for (const fd of opened.splice(0, spare)) {
      closeSync(fd);
    }
    const result = await outcomeOf(provider, 'new');
    const reading = await provider.retrieve('a').then(
      () => 'read',
      (error: unknown) => codeOf(error),
    );
    for (const fd of opened) {
      closeSync(fd);
    }
    report({ spare, ...result, reading, value: (await warm.retrieve('a')).metadata.tags['value'] });
  }
}

function openAll(): number[] {
  const opened: number[] = [];
  for (;;) {
    try {
      opened.push(openSync('/dev/null', 'r'));
    } catch {
      return opened;
    }
  }
}

async function outcomeOf(provider: LocalStorageProvider, value: string): Promise<object> {
  try {
    await provider.store('a', recordOf({ value }));
    return { code: 'stored' };
  } catch (error) {
    if (!(error instanceof CredentialError)) {
      throw error;
    }
    const { code, message, remedy, outcome } = error;
    const after = hasCode(error, 'PERMISSION_DENIED') ? await provider.retrieve('a') : undefined;
    return { code, message, remedy, outcome, after: after?.metadata.tags['value'] };
  }
}

function codeOf(error: unknown): string {
  return error instanceof CredentialError ? error.code : String(error);
}

function report(result: object): void {
  console.log(JSON.stringify(result));
}

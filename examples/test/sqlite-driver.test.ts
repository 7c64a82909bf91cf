import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it } from '@jest/globals';
import { createProvider } from '@nebula/credential-core';
import { describeConformance, injectFaults } from '@nebula/credential-testkit';
import { SqliteDriver } from '../src/sqlite-driver.ts';

const path = join(tmpdir(), `${randomUUID()}.db`);
afterAll(() => rm(path, { force: true }));

describeConformance(
  { describe, it, afterAll },
  {
    name: 'SQLite',
    open: () => createProvider(new SqliteDriver(path)),
    openFaulty: (plan) => createProvider(injectFaults(new SqliteDriver(path), plan)),
  },
);

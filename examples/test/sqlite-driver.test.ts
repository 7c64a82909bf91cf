import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it } from '@jest/globals';
import { describeConformance } from '@nebula/credential-testkit';
import { sqliteProvider } from '../src/sqlite-driver.ts';

const path = join(tmpdir(), `${randomUUID()}.db`);

describeConformance({ describe, it, afterAll }, { name: 'SQLite', open: () => sqliteProvider(path) });

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { conformanceSuite, MemoryStorageProvider } from '../src/index.ts';

it('the suite runs under node:test as well', () => {
  const file = fileURLToPath(new URL('./node-test/conformance.ts', import.meta.url));
  const { NODE_TEST_CONTEXT: _context, NODE_OPTIONS: _options, ...env } = process.env;
  const { stdout, status } = spawnSync(process.execPath, ['--test', '--test-reporter=tap', file], {
    encoding: 'utf8',
    env,
  });
  const open = (): MemoryStorageProvider => new MemoryStorageProvider();
  const { cases } = conformanceSuite({ name: 'counted', open, openFaulty: open });
  expect(stdout).toContain(`# pass ${cases.length}\n# fail 0\n`);
  expect(status).toBe(0);
}, 120_000);

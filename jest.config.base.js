import { mkdirSync } from 'node:fs';

// Jest writes its JSON (--outputFile) only into a folder that exists.
mkdirSync('.test-results', { recursive: true });

/** What every package's jest configuration starts from: ESM, TypeScript through swc. */
export const base = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript' },
          target: 'es2024',
          experimental: { keepImportAttributes: true },
        },
        module: { type: 'es6' },
      },
    ],
  },
};

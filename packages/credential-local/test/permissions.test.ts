import { userInfo } from 'node:os';
import { describe, expect, it, jest } from '@jest/globals';
import { assertPrivate, quoted, restrictToUser } from '../src/permissions.ts';

describe('permissions', () => {
  it('of a new folder on Windows are the current user alone', async () => {
    const run = jest.fn(async () => undefined);
    const domain = process.env['USERDOMAIN'];
    try {
      process.env['USERDOMAIN'] = 'CORP';
      await restrictToUser('C:\\data\\credentials', run);
      delete process.env['USERDOMAIN'];
      await restrictToUser('D:\\x y', run);
    } finally {
      if (domain !== undefined) {
        process.env['USERDOMAIN'] = domain;
      }
    }
    const { username } = userInfo();
    expect(run.mock.calls).toEqual([
      ['icacls', ['C:\\data\\credentials', '/inheritance:r', '/grant:r', `CORP\\${username}:(OI)(CI)F`]],
      ['icacls', ['D:\\x y', '/inheritance:r', '/grant:r', `${username}:(OI)(CI)F`]],
    ]);
  });

  it.each([0o701, 0o710, 0o777, 0o740])('refuse a folder of mode %o', (mode) => {
    const stats = { mode: 0o40000 | mode, uid: process.geteuid?.() ?? 0, isDirectory: () => true };
    const check = () => assertPrivate('/data', stats);
    expect(check).toThrow(`its mode is ${mode.toString(8)}, it must be 700`);
  });

  it('let narrower modes be', () => {
    const stats = { uid: process.geteuid?.() ?? 0, isDirectory: () => false };
    for (const mode of [0o600, 0o400]) {
      expect(assertPrivate('/data/a.json', { ...stats, mode })).toBeUndefined();
    }
  });

  it('are set by commands that a shell takes as meant', () => {
    expect(quoted('/var/lib/app')).toBe('/var/lib/app');
    expect(quoted("/a b/it's")).toBe("'/a b/it'\\''s'");
  });
});

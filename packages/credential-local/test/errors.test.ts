import { describe, expect, it } from '@jest/globals';
import { classifySystemError, DIRECTORY_SYNC_FAILED, hasErrno } from '../src/errors.ts';

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code, syscall: 'open', path: '/var/lib/app/a.json' });
}

describe('system errors', () => {
  it.each([
    ['ENOSPC', 'QUOTA_EXCEEDED', undefined, /Free space/],
    ['EDQUOT', 'QUOTA_EXCEEDED', undefined, /quota/],
    ['EFBIG', 'QUOTA_EXCEEDED', undefined, /ulimit -f/],
    ['EROFS', 'PERMISSION_DENIED', undefined, /write access/],
    ['EACCES', 'PERMISSION_DENIED', undefined, /read and write access/],
    ['EPERM', 'PERMISSION_DENIED', undefined, /read and write access/],
    ['EMFILE', 'UNAVAILABLE', 'not-applied', /ulimit -n/],
    ['ENFILE', 'UNAVAILABLE', 'not-applied', /fs\.file-max/],
    ['ENOTDIR', 'INVALID_STATE', undefined, /Look at the path/],
    ['EISDIR', 'INVALID_STATE', undefined, /Look at the path/],
    ['ELOOP', 'INVALID_STATE', undefined, /Look at the path/],
    ['EIO', 'UNAVAILABLE', undefined, /disk/],
    ['ESTALE', 'UNAVAILABLE', undefined, /disk/],
    ['ENOLCK', 'INVALID_STATE', undefined, /locking: 'file'/],
    ['EBUSY', 'UNAVAILABLE', 'not-applied', /later/],
    [DIRECTORY_SYNC_FAILED, 'UNAVAILABLE', 'unknown', /disk/],
  ])('%s is %s', (errno, code, outcome, remedy) => {
    const found = classifySystemError(systemError(errno), 'write');
    expect(found).toMatchObject({ code, remedy: expect.stringMatching(remedy) });
    expect(found.outcome).toBe(outcome);
    expect(found.message).toContain('at /var/lib/app/a.json (step write');
  });

  it.each([
    systemError('ENOENT'),
    systemError('EWHATEVER'),
    new Error('no code'),
    Object.assign(new Error('x'), { code: 'constructor' }),
    'text',
    undefined,
    null,
  ])('that are not known are no absence: %p', (error) => {
    expect(classifySystemError(error, 'read')).toMatchObject({ code: 'UNAVAILABLE', retryable: false });
  });

  it('of a rename on Windows are those of a file in use', () => {
    const error = Object.assign(systemError('EPERM'), { syscall: 'rename' });
    expect(classifySystemError(error, 'write', 'win32')).toMatchObject({ code: 'UNAVAILABLE' });
    expect(classifySystemError(error, 'write', 'linux')).toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(classifySystemError(systemError('EPERM'), 'write', 'win32').code).toBe('PERMISSION_DENIED');
  });

  it('are recognised by their codes', () => {
    expect(hasErrno(systemError('ENOENT'), 'EEXIST', 'ENOENT')).toBe(true);
    expect(hasErrno(systemError('ENOENT'), 'EEXIST')).toBe(false);
    expect(hasErrno('ENOENT', 'ENOENT')).toBe(false);
  });
});

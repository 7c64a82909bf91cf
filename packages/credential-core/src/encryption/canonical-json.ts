import { invalidArgument, shapeOf } from '../validation.ts';

/**
 * The value as RFC 8785 (JCS) JSON: members sorted by UTF-16 code units, no white space. For what metadata holds:
 * strings, finite numbers and objects of these; members that are undefined are left out, as JSON does.
 * @throws ValidationError INVALID_ARGUMENT for anything else, and for lone surrogates.
 */
export function canonicalJson(value: unknown, path = ''): string {
  if (typeof value === 'string' && value.isWellFormed()) {
    return JSON.stringify(value);
  }
  if (Number.isFinite(value)) {
    // RFC 8785 takes its form of numbers from ECMAScript.
    return JSON.stringify(value);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${canonicalJson(key, path)}:${canonicalJson(member, `${path}.${key}`)}`);
    return `{${members.join(',')}}`;
  }
  throw invalidArgument(
    path,
    `must be a well-formed string, a finite number or an object, got ${shapeOf(value)}`,
  );
}

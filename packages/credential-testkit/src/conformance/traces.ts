import { inspect } from 'node:util';

/**
 * Every form in which bytes may turn up in a text: as they are, hexadecimal, as `inspect` prints a Buffer or an array,
 * and base64 of either alphabet, wherever in a longer run of bytes they begin.
 */
export function formsOf(secret: Uint8Array): readonly string[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  const base64 = [0, 1, 2].flatMap((offset) => base64Within(bytes, offset));
  return [
    bytes.toString('utf8'),
    bytes.toString('latin1'),
    hex,
    hex.toUpperCase(),
    hex.replace(/(..)(?!$)/g, '$1 '),
    [...bytes].join(', '),
    [...bytes].join(','),
    encodeURIComponent(bytes.toString('latin1')),
    ...base64,
  ];
}

/** What is the same in every base64 text of bytes that hold these after so many others, modulo three. */
function base64Within(bytes: Buffer, offset: number): string[] {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  // The characters that also hold bits of what stands before or behind.
  const stable = text.slice(offset === 0 ? 0 : offset + 1, padding === 0 ? undefined : -(padding + 1));
  return [stable, stable.replaceAll('+', '-').replaceAll('/', '_')];
}

/** All that can be made to show of a value: an error with its causes, a provider, a snapshot. */
export function exposuresOf(value: unknown): string {
  const shown = [true, false].map((customInspect) =>
    inspect(value, {
      customInspect,
      depth: Number.POSITIVE_INFINITY,
      showHidden: true,
      getters: true,
      maxArrayLength: Number.POSITIVE_INFINITY,
      maxStringLength: Number.POSITIVE_INFINITY,
      breakLength: Number.POSITIVE_INFINITY,
    }),
  );
  return [...shown, json(value), ...(value instanceof Error ? chain(value) : [String(value)])].join('\n');
}

function chain(error: Error): string[] {
  const texts = [
    error.message,
    error.stack ?? '',
    String(error),
    json(Object.getOwnPropertyDescriptors(error)),
  ];
  return error.cause instanceof Error && error.cause !== error ? [...texts, ...chain(error.cause)] : texts;
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    // Circular: inspect shows all of it.
    return '';
  }
}

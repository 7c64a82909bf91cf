import * as crypto from 'node:crypto';
import { Worker } from 'node:worker_threads';

/** Cost of one derivation, in the letters of RFC 9106. */
export interface Argon2Cost {
  /** Memory in KiB. */
  readonly m: number;
  /** Passes. */
  readonly t: number;
  /** Lanes. */
  readonly p: number;
}

/** What the worker is given. */
export interface Argon2Job {
  readonly message: Uint8Array<ArrayBuffer>;
  readonly salt: Uint8Array;
  readonly cost: Argon2Cost;
  /** Key length in bytes. */
  readonly tagLength: number;
}

/** Key length in bytes. */
const tagLength = 32;

// Two literals, so that bundlers see the file; `.ts` is for running from source.
const workerUrl = import.meta.url.endsWith('.ts')
  ? new URL('./argon2-worker.ts', import.meta.url)
  : new URL('./argon2-worker.js', import.meta.url);

/** Argon2id (RFC 9106): 32 bytes, off the event loop. Node has it from 24.7 on, where its OpenSSL does. */
export async function argon2id(message: Uint8Array, salt: Uint8Array, cost: Argon2Cost): Promise<Buffer> {
  if (typeof crypto.argon2 !== 'function') {
    return await argon2idInWorker(message, salt, cost);
  }
  try {
    return await argon2idNative(message, salt, cost);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_CRYPTO_ARGON2_NOT_SUPPORTED') {
      return await argon2idInWorker(message, salt, cost);
    }
    throw error;
  }
}

function argon2idNative(message: Uint8Array, nonce: Uint8Array, { m, t, p }: Argon2Cost): Promise<Buffer> {
  const parameters = { message, nonce, memory: m, passes: t, parallelism: p, tagLength };
  return new Promise((resolve, reject) => {
    crypto.argon2('argon2id', parameters, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

/** The same without help from Node: in JavaScript, on a thread of its own. */
export function argon2idInWorker(message: Uint8Array, salt: Uint8Array, cost: Argon2Cost): Promise<Buffer> {
  const job: Argon2Job = { message: Uint8Array.from(message), salt, cost, tagLength };
  return new Promise((resolve, reject) => {
    // Moved, not copied: what the worker zeroes is the only copy. Flags of the main thread are not for it.
    new Worker(workerUrl, { workerData: job, transferList: [job.message.buffer], execArgv: [] })
      .once('message', (key: Uint8Array<ArrayBuffer>) => resolve(Buffer.from(key.buffer)))
      .once('error', reject)
      .once('exit', (code) => reject(new Error(`the Argon2id worker ended with exit code ${code}`)));
  });
}

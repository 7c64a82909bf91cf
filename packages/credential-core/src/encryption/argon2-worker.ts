import { parentPort, workerData } from 'node:worker_threads';
import { argon2id } from '@noble/hashes/argon2.js';
import type { Argon2Job } from './argon2.ts';

const { message, salt, cost, tagLength } = workerData as Argon2Job;
const key = Uint8Array.from(argon2id(message, salt, { ...cost, dkLen: tagLength }));
message.fill(0);
parentPort?.postMessage(key, [key.buffer]);

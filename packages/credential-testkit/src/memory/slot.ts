import { randomBytes } from 'node:crypto';
import { type Revision, StorageError } from '@nebula/credential-core';
import type { Content } from './content.ts';

interface Deletion {
  /** Token of the delete. */
  readonly by: string;
  readonly at: Date;
}

/** One version of a credential. */
export interface Version {
  readonly number: number;
  readonly revision: Revision;
  /** What made it: a record's writeId, or the token of a restore. */
  readonly writtenBy: string;
  readonly createdAt: Date;
  /** Of the credential: when it came into being. */
  readonly credentialCreatedAt: Date;
  /** Absent once erased. */
  readonly content?: Content;
  /** Set when the credential was deleted while this was its current version. */
  readonly deletion?: Deletion;
}

/** A version that still has its content. */
export type ReadableVersion = Version & { readonly content: Content };

/**
 * All that happened under one name. A deleted credential keeps its slot, and an erased version its line in it, so that
 * it can always be told whether a write arrived.
 */
export class Slot {
  #versions: Version[] = [];
  readonly #history: boolean;

  constructor(history: boolean) {
    this.#history = history;
  }

  /** What a reader sees; undefined when the credential is absent. */
  get current(): ReadableVersion | undefined {
    const last = this.#versions.at(-1);
    return last?.deletion === undefined ? readable(last) : undefined;
  }

  /** What a restore would bring back; undefined when there is nothing to restore. */
  get deleted(): ReadableVersion | undefined {
    const last = this.#versions.at(-1);
    return last?.deletion === undefined ? undefined : readable(last);
  }

  /** Newest first. */
  get versions(): readonly ReadableVersion[] {
    return this.#versions.flatMap((version) => readable(version) ?? []).reverse();
  }

  /** Differs after every write and delete. */
  get stamp(): string {
    const last = this.#versions.at(-1);
    return `${last?.revision}/${last?.deletion?.by}`;
  }

  append(content: Content, writtenBy: string, credentialCreatedAt: Date | undefined): ReadableVersion {
    const createdAt = new Date();
    const number = (this.#versions.at(-1)?.number ?? 0) + 1;
    const version = {
      number,
      revision: `${number}.${randomBytes(8).toString('base64url')}` as Revision,
      writtenBy,
      createdAt,
      credentialCreatedAt: credentialCreatedAt ?? createdAt,
      content,
    };
    if (!this.#history) {
      this.#versions = [];
    }
    this.#versions.push(version);
    return version;
  }

  /** Ends the current version. */
  delete(by: string): void {
    const last = this.#versions.pop();
    if (last !== undefined) {
      this.#versions.push({ ...last, deletion: { by, at: new Date() } });
    }
  }

  /** Forgets every content, of old versions too. */
  erase(): void {
    this.#versions = this.#versions.map(({ content: _content, ...rest }) => rest);
  }

  writtenBy(token: string): Version | undefined {
    return this.#versions.find((version) => version.writtenBy === token);
  }

  deletedBy(token: string): Version | undefined {
    return this.#versions.find((version) => version.deletion?.by === token);
  }

  /** @throws StorageError NOT_FOUND */
  version(name: string): ReadableVersion {
    const found = this.versions.find(({ number }) => String(number) === name);
    if (found === undefined) {
      throw new StorageError('NOT_FOUND', 'there is no such version of the credential');
    }
    return found;
  }
}

function readable(version: Version | undefined): ReadableVersion | undefined {
  return version?.content === undefined ? undefined : (version as ReadableVersion);
}

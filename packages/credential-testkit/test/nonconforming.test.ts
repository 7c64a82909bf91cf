import { describe, expect, it } from '@jest/globals';
import {
  type Call,
  createProvider,
  createWriteId,
  type Driver,
  type DriverEntry,
  type DriverHead,
  type DriverRead,
  isEncrypted,
  type ListQuery,
  type Page,
  type ReadSelector,
  type Revision,
  StorageError,
  type StoredRecord,
  type Target,
  type WriteCondition,
} from '@nebula/credential-core';
import { conformanceSuite, injectFaults, MemoryDriver, MemoryStorage } from '../src/index.ts';
import type { MemoryState } from '../src/memory/state.ts';
import { stateOf } from '../src/memory/storage.ts';

/** Runs one case of the suite against a driver. */
async function runCase(name: string, create: (storage: MemoryStorage) => Driver): Promise<void> {
  const storage = new MemoryStorage();
  const { cases, close } = conformanceSuite({
    name: 'nonconforming',
    open: () => createProvider(create(storage)),
    openFaulty: (plan) => createProvider(injectFaults(create(storage), plan), { retry: { baseDelay: 1 } }),
    plant: (id, value) => storage.plant(id, value),
  });
  const found = cases.find((one) => one.name === name);
  try {
    await found?.run();
  } finally {
    await close();
  }
}

class IgnoresConditions extends MemoryDriver {
  override write(
    call: Call,
    target: Target,
    record: StoredRecord,
    condition: WriteCondition,
  ): Promise<Revision> {
    return super.write(call, target, record, { adopt: condition.adopt });
  }
}

class ChecksThenWrites extends MemoryDriver {
  override async write(
    call: Call,
    target: Target,
    record: StoredRecord,
    { ifRevision, ...condition }: WriteCondition,
  ): Promise<Revision> {
    const current =
      ifRevision === undefined ? undefined : await this.head(call, target).catch(() => undefined);
    if (current?.revision !== ifRevision) {
      throw new StorageError('CONFLICT', 'checked a moment ago');
    }
    return super.write(call, target, record, condition);
  }
}

class TakesFailureForAbsence extends MemoryDriver {
  override async head(call: Call, target: Target): Promise<DriverHead> {
    try {
      return await super.head(call, target);
    } catch {
      throw new StorageError('NOT_FOUND', 'there is no such credential');
    }
  }
}

class SwallowsListFailures extends MemoryDriver {
  override list(call: Call, query: ListQuery, cursor: string | undefined): Promise<Page<DriverEntry>> {
    return super.list(call, query, cursor).catch(() => ({ items: [] }));
  }
}

class LeaksScopes extends MemoryDriver {
  override async list(call: Call, query: ListQuery, cursor: string | undefined): Promise<Page<DriverEntry>> {
    const [own, unscoped] = await Promise.all([
      super.list(call, query, cursor),
      super.list(call, { ...query, scope: undefined }, undefined),
    ]);
    return { ...own, items: [...own.items, ...unscoped.items] };
  }
}

class Truncates extends MemoryDriver {
  override async read(call: Call, target: Target, selector: ReadSelector): Promise<DriverRead> {
    const found = await super.read(call, target, selector);
    const { record } = found;
    return isEncrypted(record)
      ? {
          ...found,
          record: { ...record, jwe: { ...record.jwe, ciphertext: record.jwe.ciphertext.slice(0, 600_000) } },
        }
      : found;
  }
}

class RefusesToDeleteTheAbsent extends MemoryDriver {
  override async remove(
    call: Call,
    target: Target,
    condition: Pick<WriteCondition, 'ifRevision'>,
  ): Promise<void> {
    await this.head(call, target).catch(() => {
      throw new StorageError('INVALID_STATE', 'there is nothing to delete');
    });
    await super.remove(call, target, condition);
  }
}

class TellsSecrets extends MemoryDriver {
  override async write(
    call: Call,
    target: Target,
    record: StoredRecord,
    condition: WriteCondition,
  ): Promise<Revision> {
    return super.write(call, target, record, condition).catch((error: unknown) => {
      const body = isEncrypted(record) ? '' : Buffer.from(record.value).toString('base64');
      throw error instanceof StorageError
        ? new StorageError(error.code, 'refused', { cause: new Error(`request: {"data":"x${body}"}`) })
        : error;
    });
  }
}

class PrintsWhatItReads extends MemoryDriver {
  override async read(call: Call, target: Target, selector: ReadSelector): Promise<DriverRead> {
    const found = await super.read(call, target, selector);
    if (!isEncrypted(found.record)) {
      process.emitWarning(`read ${Buffer.from(found.record.value).toString('hex')}`);
    }
    return found;
  }
}

const lower = (target: Target): Target => ({ ...target, id: target.id.toLowerCase() as Target['id'] });

class IgnoresCase extends MemoryDriver {
  override write(
    call: Call,
    target: Target,
    record: StoredRecord,
    condition: WriteCondition,
  ): Promise<Revision> {
    return super.write(call, lower(target), record, condition);
  }

  override read(call: Call, target: Target, selector: ReadSelector): Promise<DriverRead> {
    return super.read(call, lower(target), selector);
  }

  override head(call: Call, target: Target): Promise<DriverHead> {
    return super.head(call, lower(target));
  }

  override remove(call: Call, target: Target, condition: Pick<WriteCondition, 'ifRevision'>): Promise<void> {
    return super.remove(call, lower(target), condition);
  }
}

class JoinsNames extends MemoryDriver {
  override write(
    call: Call,
    target: Target,
    record: StoredRecord,
    condition: WriteCondition,
  ): Promise<Revision> {
    return super.write(call, joined(target), record, condition);
  }

  override head(call: Call, target: Target): Promise<DriverHead> {
    return super.head(call, joined(target));
  }
}

function joined({ id, scope }: Target): Target {
  return { id: (scope === undefined ? id : `${scope}/${id}`) as Target['id'], scope: undefined };
}

class LosesPages extends MemoryDriver {
  override async list(call: Call, query: ListQuery, cursor: string | undefined): Promise<Page<DriverEntry>> {
    const { items } = await super.list(call, query, cursor);
    return { items };
  }
}

class RepeatsPages extends MemoryDriver {
  override async list(call: Call, query: ListQuery, cursor: string | undefined): Promise<Page<DriverEntry>> {
    const { items, next } = await super.list(call, query, cursor);
    return { items: [...items, ...items.slice(0, 1)], ...(next !== undefined && { next }) };
  }
}

class DropsTags extends MemoryDriver {
  override async head(call: Call, target: Target): Promise<DriverHead> {
    const found = await super.head(call, target);
    return { ...found, meta: { ...found.meta, tags: {} } };
  }
}

class ReusesRevisions extends MemoryDriver {
  override async write(
    call: Call,
    target: Target,
    record: StoredRecord,
    condition: WriteCondition,
  ): Promise<Revision> {
    await super.write(call, target, record, condition);
    return '1' as Revision;
  }
}

class RepeatsLostWrites extends MemoryDriver {
  override write(
    call: Call,
    target: Target,
    record: StoredRecord,
    condition: WriteCondition,
  ): Promise<Revision> {
    return super.write(repeating(call), target, record, condition);
  }
}

class WritesAnewEachAttempt extends MemoryDriver {
  readonly #state: MemoryState;

  constructor(storage: MemoryStorage) {
    super(storage);
    this.#state = stateOf(storage);
  }

  override write(
    call: Call,
    target: Target,
    record: StoredRecord,
    condition: WriteCondition,
  ): Promise<Revision> {
    return call.request('put', async () =>
      this.#state.write(target, JSON.stringify(record), createWriteId(), condition),
    );
  }
}

/** A Call that never asks what became of a write. */
function repeating(call: Call): Call {
  return {
    operation: call.operation,
    signal: call.signal,
    remaining: () => call.remaining(),
    request: (step, attempt) => call.request(step, attempt, { commit: 'idempotent' }),
    poll: (step, attempt, options) => call.poll(step, attempt, options),
    once: (repair) => repeating(call.once(repair)),
  };
}

class GoesRoundTheCall extends MemoryDriver {
  override read(call: Call, target: Target, selector: ReadSelector): Promise<DriverRead> {
    const direct: Call = { ...repeating(call), request: (_step, attempt) => attempt(call.signal) };
    return super.read(direct, target, selector);
  }
}

describe('the suite fails', () => {
  it.each<[string, new (storage: MemoryStorage) => Driver, string]>([
    ['ignores conditions', IgnoresConditions, 'racing read-modify-write with ifRevision loses no update'],
    ['checks, then writes', ChecksThenWrites, 'racing read-modify-write with ifRevision loses no update'],
    [
      'takes a failure for an absence',
      TakesFailureForAbsence,
      'a refusal is never taken for an absence, nor for a success',
    ],
    [
      'lists nothing when the list fails',
      SwallowsListFailures,
      'a refusal is never taken for an absence, nor for a success',
    ],
    ['lists what lies under no scope', LeaksScopes, 'lists show one scope only'],
    ['truncates', Truncates, 'the largest value fits under the longest id'],
    ['refuses to delete the absent', RefusesToDeleteTheAbsent, 'delete of an absent credential succeeds'],
    ['puts a value into an error', TellsSecrets, 'no plain value shows either'],
    ['prints a value', PrintsWhatItReads, 'no plain value shows either'],
    ['ignores case', IgnoresCase, 'ids that look alike are held apart'],
    ['joins scope and id', JoinsNames, 'a scope and an id that are joined in another way stay apart'],
    ['lists the first page only', LosesPages, 'many pages list every credential once'],
    ['lists some twice', RepeatsPages, 'many pages list every credential once'],
    ['drops tags', DropsTags, 'the portable maximum of tags is kept and found'],
    ['gives one revision for all', ReusesRevisions, 'storing equal content again gives a new revision'],
    [
      'repeats a write whose reply was lost',
      RepeatsLostWrites,
      'a connection cut after the request: a store with ifAbsent is not refused by its own write',
    ],
    [
      'writes anew each attempt',
      WritesAnewEachAttempt,
      'a connection cut after the request: a store happened once, or says what is known',
    ],
    ['goes round the Call', GoesRoundTheCall, 'silence ends with the deadline'],
  ])('a driver that %s', async (_defect, Broken, name) => {
    await expect(runCase(name, (storage) => new Broken(storage))).rejects.toThrow();
    await expect(runCase(name, (storage) => new MemoryDriver(storage))).resolves.toBeUndefined();
  });
});

describe('known failures', () => {
  const storage = new MemoryStorage();
  const harness = {
    name: 'known',
    open: () => createProvider(new MemoryDriver(storage)),
    openFaulty: () => createProvider(new MemoryDriver(storage)),
  };
  const name = 'delete of an absent credential succeeds';

  it('that fail are no failure', async () => {
    const create = (): Driver => new RefusesToDeleteTheAbsent(storage);
    const known = { ...harness, open: () => createProvider(create()), knownFailures: { [name]: 'not yet' } };
    const { cases, close } = conformanceSuite(known);
    await expect(cases.find((one) => one.name === name)?.run()).resolves.toBeUndefined();
    await close();
  });

  it('that pass fail the suite', async () => {
    const { cases, close } = conformanceSuite({ ...harness, knownFailures: { [name]: 'not yet' } });
    await expect(cases.find((one) => one.name === name)?.run()).rejects.toThrow(
      /take it out of knownFailures/,
    );
    await close();
  });

  it('must be names of cases', () => {
    expect(() => conformanceSuite({ ...harness, knownFailures: { 'no such case': 'typo' } })).toThrow(
      /no such case/,
    );
  });

  it('are told apart, because names are unique', () => {
    const names = conformanceSuite(harness).cases.map((one) => one.name);
    expect(new Set(names).size).toBe(names.length);
  });
});

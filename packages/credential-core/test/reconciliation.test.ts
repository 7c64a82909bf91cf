import { describe, expect, it } from '@jest/globals';
import { createProvider, hasCode, type Revision, type StorageProvider } from '../src/index.ts';
import { BackendError, MapDriver, record, rejection, seededRandom, turn } from './support.ts';

const lostReply = () => new BackendError({ code: 'UNAVAILABLE', outcome: 'unknown' });
const patient = { retry: { baseDelay: 0 } } as const;

function fixture(options: { history?: boolean } = {}) {
  const driver = new MapDriver(options);
  return { driver, provider: createProvider(driver, patient) };
}

/** Loses the replies of the next writes; `meanwhile` runs after each took effect. */
function loseReplies(driver: MapDriver, times: number, meanwhile?: () => Promise<void>): void {
  let left = times;
  driver.interference.after = async (step) => {
    if (step === 'write' && left > 0) {
      left -= 1;
      await meanwhile?.();
      throw lostReply();
    }
  };
}

describe('a write whose reply was lost', () => {
  it('is recognised as applied by its writeId', async () => {
    const { driver, provider } = fixture();
    loseReplies(driver, 1);
    const revision = await provider.store('a', record('x'), {}, { ifAbsent: true });
    expect(driver.applied.size).toBe(1);
    expect((await provider.head('a')).revision).toBe(revision);
  });

  it('is repeated when it did not happen', async () => {
    const { driver, provider } = fixture();
    let left = 1;
    driver.interference.before = (step) => {
      if (step === 'write' && left-- > 0) {
        throw lostReply();
      }
    };
    await provider.store('a', record('x'));
    expect(driver.requests.filter((step) => step === 'write')).toHaveLength(2);
    expect(driver.applied.size).toBe(1);
  });

  it('compares writeIds, not values: an equal value of somebody else is not ours', async () => {
    const { driver, provider } = fixture();
    const first = await provider.store('a', record('old'));
    let left = 1;
    driver.interference.before = async (step) => {
      if (step === 'write' && left-- > 0) {
        await createProvider(driver).store('a', record('same'), {}, { ifRevision: first });
        throw lostReply();
      }
    };
    const error = await rejection(provider.store('a', record('same'), {}, { ifRevision: first }));
    expect(error).toMatchObject({ code: 'CONFLICT', outcome: 'not-applied' });
  });

  it('is a success also when another write has come after it, if the history shows ours', async () => {
    const { driver, provider } = fixture();
    const other = createProvider(driver);
    const first = await provider.store('a', record('old'));
    loseReplies(driver, 1, async () => {
      const { revision } = await other.head('a');
      driver.interference.after = () => undefined;
      await other.store('a', record('newer'), {}, { ifRevision: revision });
    });
    await expect(provider.store('a', record('ours'), {}, { ifRevision: first })).resolves.toMatch(
      /^superseded-/,
    );
    expect(driver.applied.size).toBe(3);
  });

  it('is OUTCOME_UNKNOWN when another write has come and there is no history', async () => {
    const { driver, provider } = fixture({ history: false });
    const other = createProvider(driver);
    const first = await provider.store('a', record('old'));
    loseReplies(driver, 1, async () => {
      const { revision } = await other.head('a');
      driver.interference.after = () => undefined;
      await other.store('a', record('newer'), {}, { ifRevision: revision });
    });
    const error = await rejection(provider.store('a', record('ours'), {}, { ifRevision: first }));
    expect(error).toMatchObject({ code: 'OUTCOME_UNKNOWN', outcome: 'unknown', retryable: false, id: 'a' });
  });

  it('is OUTCOME_UNKNOWN when the backend cannot be asked any more', async () => {
    const { driver, provider } = fixture();
    await provider.connect();
    loseReplies(driver, 1);
    driver.interference.before = (step) => {
      if (step === 'reconcile') {
        throw new BackendError({ code: 'UNAVAILABLE' });
      }
    };
    const error = await rejection(provider.store('a', record('x')));
    expect(error).toMatchObject({ code: 'OUTCOME_UNKNOWN', outcome: 'unknown' });
    expect(error).toHaveProperty('cause.code', 'UNAVAILABLE');
  });

  it('that arrives late does not turn into a CONFLICT with itself', async () => {
    const { driver, provider } = fixture();
    const first = await provider.store('a', record('old'));
    const ours = record('ours');
    const late = createProvider(driver);
    let looks = 0;
    driver.interference.before = async (step) => {
      if (step === 'write' && looks === 0) {
        throw lostReply();
      }
      if (step === 'write' && looks === 1) {
        // The first attempt was only delayed: it takes effect after the look that did not find it.
        looks += 1;
        await late.store('a', ours, {}, { ifRevision: first });
      }
    };
    driver.interference.after = (step) => {
      looks += step === 'reconcile' ? 1 : 0;
    };
    await expect(provider.store('a', ours, {}, { ifRevision: first })).resolves.toBe('r2');
    expect(driver.applied.size).toBe(2);
  });

  it('fails with the outcome unknown when it was never seen to arrive', async () => {
    const { driver, provider } = fixture();
    await provider.connect();
    driver.interference.before = (step) => {
      if (step === 'write') {
        throw lostReply();
      }
    };
    expect(await rejection(provider.store('a', record('x')))).toMatchObject({
      code: 'UNAVAILABLE',
      outcome: 'unknown',
    });
  });

  it('fails with the outcome not applied when it was refused before it was sent', async () => {
    const { driver, provider } = fixture();
    await provider.connect();
    driver.interference.before = () => {
      throw new BackendError({ code: 'UNAVAILABLE', outcome: 'not-applied' });
    };
    expect(await rejection(provider.store('a', record('x')))).toMatchObject({
      code: 'UNAVAILABLE',
      outcome: 'not-applied',
    });
  });
});

/**
 * Writers increment counters by compare-and-set; the number is in the ciphertext field. Replies are lost before and
 * after the effect. Every verdict is held against the store's own log.
 */
async function simulate(
  seed: number,
  history: boolean,
  operations: number,
): Promise<{ done: number; applied: number; lost: number; unknown: number; wrong: string[] }> {
  const { driver, provider } = fixture({ history });
  await provider.connect();
  const random = seededRandom(seed);
  const fault = async (step: string): Promise<void> => {
    if (step === 'write' && random() < 0.15) {
      throw lostReply();
    }
    if (random() < 0.2) {
      await turn();
    }
  };
  driver.interference.before = fault;
  driver.interference.after = fault;
  const report = { done: 0, applied: 0, lost: 0, unknown: 0, wrong: [] as string[] };
  const ids = Array.from({ length: 20 }, (_, n) => `counter/${n}`);
  const writer = async (equal: boolean): Promise<void> => {
    while (report.done < operations) {
      report.done += 1;
      const id = ids[Math.floor(random() * ids.length)] as string;
      await increment(provider, driver, id, equal, report);
    }
  };
  // Two racing writers of equal values, and two whose values tell them apart.
  await Promise.all([writer(true), writer(true), writer(false), writer(false)]);
  for (const [writeId, count] of driver.applied) {
    if (count > 1) {
      report.wrong.push(`${writeId} applied ${count} times`);
    }
  }
  return report;
}

async function increment(
  provider: StorageProvider,
  driver: MapDriver,
  id: string,
  equal: boolean,
  report: { applied: number; lost: number; unknown: number; wrong: string[] },
): Promise<void> {
  let base: { revision: Revision; count: number } | undefined;
  try {
    const { record: found, revision } = await provider.retrieve(id);
    base = { revision, count: 'jwe' in found ? Number.parseInt(found.jwe.ciphertext, 10) : 0 };
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) {
      throw error;
    }
  }
  const next = record(`${(base?.count ?? 0) + 1}${equal ? '' : `.${report.applied}.${Math.random()}`}`);
  const happened = () => driver.applied.has(next.writeId);
  try {
    await provider.store(
      id,
      next,
      {},
      base === undefined ? { ifAbsent: true } : { ifRevision: base.revision },
    );
    report.applied += 1;
    if (!happened()) {
      report.wrong.push('false success');
    }
  } catch (error) {
    if (hasCode(error, 'CONFLICT', 'ALREADY_EXISTS')) {
      report.lost += 1;
      if (happened()) {
        report.wrong.push(`wrong ${error.code}`);
      }
    } else if (hasCode(error, 'OUTCOME_UNKNOWN', 'UNAVAILABLE')) {
      report.unknown += 1;
      if (error.outcome === 'not-applied' && happened()) {
        report.wrong.push('not-applied, but it was');
      }
    } else {
      throw error;
    }
  }
}

describe('simulation of ambiguous writes', () => {
  const operations = process.env['NEBULA_FULL'] ? 100_000 : 50_000;

  it.each([
    ['with history', true],
    ['without history', false],
  ])(
    'no increment twice, no wrong CONFLICT, no false success, %s',
    async (_name, history) => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      const report = await simulate(seed, history, operations);
      expect({ seed, wrong: report.wrong }).toEqual({ seed, wrong: [] });
      expect(report.applied).toBeGreaterThan(operations / 4);
      expect(report.lost).toBeGreaterThan(0);
    },
    600_000,
  );
});

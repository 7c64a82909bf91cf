import type {
  Call,
  Classification,
  Driver,
  DriverBin,
  DriverHistory,
  PollOptions,
  Repair,
  RequestOptions,
} from '@nebula/credential-core';
import { classifyFault, InjectedFault, suffer } from './fault.ts';
import type { FaultPlan } from './plan.ts';

/**
 * The same driver on a bad network: every attempt of every request it makes meets what the plan says. Requests that
 * look for a lost write are no exception. `watch` makes no requests through a Call and stays as it is.
 */
export function injectFaults(driver: Driver, plan: FaultPlan): Driver {
  const through = (call: Call): Call => new FaultyCall(call, plan);
  const { connect, check, scopes, watch, history, bin, close } = driver;
  return {
    name: driver.name,
    traits: driver.traits,
    classify: (error, step): Classification =>
      error instanceof InjectedFault ? classifyFault(error) : driver.classify(error, step),
    write: (call, ...rest) => driver.write(through(call), ...rest),
    read: (call, ...rest) => driver.read(through(call), ...rest),
    head: (call, ...rest) => driver.head(through(call), ...rest),
    remove: (call, ...rest) => driver.remove(through(call), ...rest),
    list: (call, ...rest) => driver.list(through(call), ...rest),
    ...(connect && { connect: (call) => connect.call(driver, through(call)) }),
    ...(check && { check: (call) => check.call(driver, through(call)) }),
    ...(scopes && { scopes: (call, cursor) => scopes.call(driver, through(call), cursor) }),
    ...(watch && { watch: (...all) => watch.apply(driver, all) }),
    ...(history && { history: faultyHistory(history, through) }),
    ...(bin && { bin: faultyBin(bin, through) }),
    ...(close && { close: () => close.call(driver) }),
  };
}

function faultyHistory(history: DriverHistory, through: (call: Call) => Call): DriverHistory {
  return {
    list: (call, ...rest) => history.list(through(call), ...rest),
    restore: (call, ...rest) => history.restore(through(call), ...rest),
  };
}

function faultyBin(bin: DriverBin, through: (call: Call) => Call): DriverBin {
  return {
    list: (call, ...rest) => bin.list(through(call), ...rest),
    restore: (call, ...rest) => bin.restore(through(call), ...rest),
    purge: (call, ...rest) => bin.purge(through(call), ...rest),
  };
}

class FaultyCall implements Call {
  readonly #call: Call;
  readonly #plan: FaultPlan;

  constructor(call: Call, plan: FaultPlan) {
    this.#call = call;
    this.#plan = plan;
  }

  get operation(): string {
    return this.#call.operation;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  remaining(): number {
    return this.#call.remaining();
  }

  request<T>(
    step: string,
    attempt: (signal: AbortSignal) => Promise<T>,
    options?: RequestOptions<T>,
  ): Promise<T> {
    return this.#call.request(step, this.#faulty(step, attempt), options);
  }

  poll<T>(
    step: string,
    attempt: (signal: AbortSignal) => Promise<T | undefined>,
    options?: PollOptions,
  ): Promise<T> {
    return this.#call.poll(step, this.#faulty(step, attempt), options);
  }

  once(repair: Repair): Call {
    return new FaultyCall(this.#call.once(repair), this.#plan);
  }

  #faulty<T>(
    step: string,
    attempt: (signal: AbortSignal) => Promise<T>,
  ): (signal: AbortSignal) => Promise<T> {
    return (signal) => suffer(this.#plan.next({ operation: this.operation, step }), attempt, signal);
  }
}

import { MemoryState } from './state.ts';

/** Options of {@link MemoryStorage}. */
export interface MemoryStorageOptions {
  /** Whether old versions are kept; default true. Without them the outcome of a write may be unknowable. */
  readonly history?: boolean | undefined;
  /** Whether deleted credentials can be restored; default true. */
  readonly bin?: boolean | undefined;
  /** How many of the last changes watchers can go back to; default 1,000. */
  readonly maxChanges?: number | undefined;
}

/** What a storage holds, for the driver alone. */
export let stateOf: (storage: MemoryStorage) => MemoryState;

/** The server that memory providers talk to: give one to two providers, and they see each other's writes. */
export class MemoryStorage {
  static {
    stateOf = (storage) => storage.#state;
  }

  readonly #state: MemoryState;

  constructor({ history = true, bin = true, maxChanges = 1_000 }: MemoryStorageOptions = {}) {
    this.#state = new MemoryState(history, bin, maxChanges);
  }

  /**
   * Makes an object as another tool would, without this library's marker.
   * @param name - in the backend: `id`, or `@scope/id`.
   * @returns the name.
   */
  plant(name: string, value: Uint8Array): string {
    this.#state.plant(name, value);
    return name;
  }
}

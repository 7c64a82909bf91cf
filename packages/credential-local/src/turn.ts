/** Lets one task a name run at a time, in the order in which they came. Others leave the line when aborted. */
export class TurnQueue {
  /** For each name that is in use: those who wait. */
  readonly #waiting = new Map<string, Set<() => void>>();

  /**
   * Waits for its turn.
   * @returns ends the turn.
   * @throws the signal's reason
   */
  async take(name: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const line = this.#waiting.get(name);
    if (line === undefined) {
      this.#waiting.set(name, new Set());
    } else {
      await inLine(line, signal);
    }
    return () => this.#pass(name);
  }

  #pass(name: string): void {
    const line = this.#waiting.get(name);
    const [next] = line ?? [];
    if (next === undefined) {
      this.#waiting.delete(name);
    } else {
      line?.delete(next);
      next();
    }
  }
}

function inLine(line: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      line.delete(enter);
      reject(signal.reason);
    };
    const enter = (): void => {
      signal.removeEventListener('abort', leave);
      resolve();
    };
    line.add(enter);
    signal.addEventListener('abort', leave, { once: true });
  });
}

/**
 * Work on what one agent said: of one job one after the other, of several jobs together (their writes then share a
 * commit), and never more than `most` at once.
 */
export interface Turns {
  take(key: string, act: () => Promise<void>): void;
  /** Resolves when there is room for one more. */
  room(): Promise<void>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
  onError(handler: (error: unknown) => void): void;
}

const MOST = 64;

export function createTurns(most = MOST): Turns {
  const last = new Map<string, Promise<void>>();
  let count = 0;
  let failed: (error: unknown) => void = () => {};
  let waiting: (() => void)[] = [];

  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise<void>((resolve) => waiting.push(resolve));
  };

  return {
    take(key, act) {
      count += 1;
      const turn: Promise<void> = (last.get(key) ?? Promise.resolve())
        .then(act)
        .catch((error: unknown) => failed(error))
        .finally(() => {
          count -= 1;
          if (last.get(key) === turn) last.delete(key);
          const woken = waiting;
          waiting = [];
          for (const wake of woken) wake();
        });
      last.set(key, turn);
    },
    room: () => until(() => count < most),
    idle: () => until(() => count === 0),
    onError: (handler) => void (failed = handler),
  };
}

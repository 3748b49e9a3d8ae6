/** Acts of one name go one after the other; those of different names do not wait for each other. */
export function createTurnsByName(): <T>(name: string, act: () => Promise<T>) => Promise<T> {
  const turns = new Map<string, Promise<void>>();
  return (name, act) => {
    const earlier = turns.get(name);
    const turn = (async () => {
      await earlier;
      return await act();
    })();
    // What waits for its turn waits for the end, whichever it is.
    const over: Promise<void> = turn
      .then(() => undefined)
      .catch(() => undefined)
      .finally(() => {
        if (turns.get(name) === over) turns.delete(name);
      });
    turns.set(name, over);
    return turn;
  };
}

/**
 * What other servers commit, read in the order of its commits and by number, so that nothing is missed: woken by news,
 * and looked for now and then. What this server wrote itself is passed over; what it wrote without hearing that it was
 * committed comes back to it here.
 * Invariant: a number counts as followed once what it tells of is in memory; where that fails, it is read again.
 */
import type { EventRecord, Store } from '../../store/store.ts';
import type { Log } from '../log.ts';

const BATCH = 512;

export interface Feed {
  /** From what is newest now; what is read of the store afterwards is at least as new. */
  begin(): Promise<void>;
  wake(): void;
  /** Resolves when everything committed before the call is followed. Throws `unavailable`. */
  catchUp(): Promise<void>;
  stop(): Promise<void>;
}

export interface FeedDependencies {
  readonly store: Pick<Store, 'events' | 'servers'>;
  readonly log: Log;
  /** In order. */
  readonly apply: (events: readonly EventRecord[]) => Promise<void>;
}

export function createFeed(deps: FeedDependencies): Feed {
  const { store, log } = deps;
  let followed = 0;
  let running: Promise<void> | null = null;
  let stopped = true;
  let unsubscribe = (): void => undefined;

  const mayRun = (): boolean => !stopped;
  const pass = async (): Promise<void> => {
    for (let more = true; more && mayRun();) {
      const found = await store.servers.others(followed, BATCH);
      if (found.events.length > 0) await deps.apply(found.events);
      followed = found.upTo;
      ({ more } = found);
    }
  };

  /** One after the other: who asks while one is under way gets the next. */
  let next: Promise<void> | null = null;
  const run = (): Promise<void> => {
    if (next !== null) return next;
    const before = running;
    next = (async () => {
      await before?.catch(() => undefined);
      running = next;
      next = null;
      await pass();
    })();
    return next;
  };

  const wake = (): void => {
    if (stopped) return;
    run().catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      log.warn({ error: message }, 'what other servers did could not be followed now; it is read again shortly');
    });
  };

  return {
    async begin() {
      stopped = false;
      followed = await store.events.last();
      unsubscribe = store.events.subscribe((newest) => {
        if (store.servers.ownAfter(followed) < newest) wake();
      });
    },
    wake,
    catchUp: () => (stopped ? Promise.resolve() : run()),
    async stop() {
      stopped = true;
      unsubscribe();
      await next?.catch(() => undefined);
      await running?.catch(() => undefined);
    },
  };
}

/**
 * What other servers commit, read in the order of its commits and by number, so that nothing is missed: woken by news,
 * and looked for now and then. What this server wrote itself is passed over; what it wrote without hearing that it was
 * committed comes back to it here.
 * A server that was away for so long that events were deleted (retention) before it has seen them begins anew: all that
 * memory holds is compared with the store.
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
  /** Makes memory agree with the store as it is now or later, whatever happened since it last did. */
  readonly resync: () => Promise<void>;
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
      if (found.missed) {
        const upTo = await store.servers.newest();
        log.warn(
          { followed, newest: upTo },
          'events were deleted before this server has seen them: what it holds in memory is compared with the store',
        );
        await deps.resync();
        followed = upTo;
        continue;
      }
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
      followed = await store.servers.newest();
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

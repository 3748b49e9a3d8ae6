/**
 * Who follows output at one server, while another holds the stream of the job's agent: that one is told by letter, the
 * next one where the stream has moved, and again now and then; what it has not heard again for a minute is over.
 */
import type { Servers } from '../scheduler/scheduler.ts';
import type { System, Timer } from '../system/system.ts';
import type { Followed, Followers } from './followers.ts';

const LOOK_EVERY = 1_000;
const AGAIN_EVERY = 20_000;
const OVER_AFTER = 60_000;

export interface FollowersAcross extends Followers {
  close(): void;
}

export function followersAcross(here: Followers, servers: Servers, { timers, clock }: System): FollowersAcross {
  if (!servers.shared) return { ...here, close: () => undefined };
  const mine = new Map<string, { readonly what: Followed; count: number; told: string | null; at: number }>();
  const theirs = new Map<string, { readonly stop: () => void; over: Timer }>();
  const keyOf = ({ cluster, jobId, epoch }: Followed): string => `${jobId}.${epoch} ${cluster}`;

  const tell = (what: Followed, follow: boolean): void => {
    const holder = servers.holderOf(what.cluster);
    if (holder !== null) servers.letters.send(holder, { kind: 'output', from: servers.id, ...what, follow });
  };
  const end = (key: string): void => {
    const known = theirs.get(key);
    theirs.delete(key);
    known?.over.cancel();
    known?.stop();
  };

  servers.letters.on('output', ({ from, cluster, jobId, epoch, follow }) => {
    const what = { cluster, jobId, epoch };
    const key = `${from} ${keyOf(what)}`;
    const known = theirs.get(key);
    if (!follow) return end(key);
    known?.over.cancel();
    const stop = known?.stop ?? here.follow(what);
    theirs.set(key, { stop, over: timers.after(OVER_AFTER, () => end(key)) });
  });
  const follow = (entry: { readonly what: Followed; told: string | null; at: number }): void => {
    entry.told = servers.holderOf(entry.what.cluster);
    entry.at = clock.monotonic();
    tell(entry.what, true);
  };
  const again = timers.every(LOOK_EVERY, () => {
    const before = clock.monotonic() - AGAIN_EVERY;
    for (const entry of mine.values()) {
      if (entry.at <= before || entry.told !== servers.holderOf(entry.what.cluster)) follow(entry);
    }
  });

  return {
    ...here,
    follow(what) {
      const key = keyOf(what);
      const entry = mine.get(key) ?? { what, count: 0, told: null, at: 0 };
      mine.set(key, entry);
      entry.count += 1;
      if (entry.count === 1) follow(entry);
      const stop = here.follow(what);
      let over = false;
      return () => {
        if (over) return;
        over = true;
        stop();
        entry.count -= 1;
        if (entry.count > 0) return;
        mine.delete(key);
        tell(what, false);
      };
    },
    close() {
      again.cancel();
      for (const key of theirs.keys()) end(key);
    },
  };
}

/**
 * Several servers on one database, of which any takes any call: calls go to one of them for as long as it answers, then
 * to the next. Each client has an order of its own, so that those of a server that died spread over the others.
 * Connecting: the next one gets its chance when the one before has failed, or has not answered for half a second (a
 * machine that hangs, a firewall that swallows); the first that answers is kept.
 * What was under way when a server died fails as with one server: whether it was carried out is not known here.
 */
import type { System } from '../system/system.ts';
import type { Channel, OpenChannel } from './channel.ts';

const HEAD_START_MS = 500;
/** For one server, from its turn on. */
const CONNECT_WITHIN_MS = 5_000;

export function severalChannels(
  channels: readonly Channel[],
  { timers, entropy }: Pick<System, 'timers' | 'entropy'>,
): Channel {
  const order = shuffled(channels, entropy);
  let current = order[0] as Channel;
  let reaching: Promise<void> | null = null;

  const moveOn = (from: Channel): void => {
    from.elsewhere();
    if (from === current) current = order[(order.indexOf(from) + 1) % order.length] as Channel;
  };

  /** Where none answers all stays as it was: the call then fails with what is wrong there. */
  const reach = async (): Promise<void> => {
    const start = order.indexOf(current);
    const attempts: Promise<Channel | null>[] = [];
    let winner: Channel | null = null;
    for (const channel of [...order.slice(start), ...order.slice(0, start)]) {
      attempts.push(channel.reach(CONNECT_WITHIN_MS).then((ready) => (ready ? channel : null)));
      winner = await within(firstOf(attempts), HEAD_START_MS, timers);
      if (winner !== null) break;
    }
    winner ??= await firstOf(attempts);
    if (winner === null) return;
    current = winner;
    for (const channel of order) if (!channel.isReady()) channel.elsewhere();
  };

  const open = async (): Promise<OpenChannel> => {
    if (!current.isReady()) await (reaching ??= reach().finally(() => (reaching = null)));
    const channel = current;
    return { ...(await channel.open()), unanswered: () => moveOn(channel) };
  };

  return {
    address: {
      text: channels.map(({ address }) => address.text).join(', '),
      isLoopback: channels.every(({ address }) => address.isLoopback),
    },
    secure: current.secure,
    open,
    isReady: () => current.isReady(),
    async reach(withinMs) {
      await open();
      return current.reach(withinMs);
    },
    elsewhere: () => moveOn(current),
    close() {
      for (const channel of channels) channel.close();
    },
  };
}

/** The first that is reached, as soon as it is; null when none is. */
async function firstOf(attempts: readonly Promise<Channel | null>[]): Promise<Channel | null> {
  return new Promise((resolve, reject) => {
    for (const attempt of attempts) attempt.then((channel) => channel !== null && resolve(channel), reject);
    Promise.all(attempts).then(() => resolve(null), reject);
  });
}

/** Null where it takes longer. */
function within<T>(promise: Promise<T>, ms: number, timers: System['timers']): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const timer = timers.after(ms, () => resolve(null));
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
}

function shuffled<T>(items: readonly T[], entropy: System['entropy']): readonly T[] {
  const keyed = items.map((item) => ({ item, key: Buffer.from(entropy.bytes(6)).readUIntBE(0, 6) }));
  return keyed.toSorted((a, b) => a.key - b.key).map(({ item }) => item);
}

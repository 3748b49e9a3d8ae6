/**
 * Chooses among what is assigned to this cluster: keeps what the server offers on this stream, takes as much as there is
 * room for, the best first, and says of the rest why it is left. Asked again whenever something is offered or ends.
 * Invariants: no more is taken than there is room for, counting what was taken and has not come; what is left is said
 * once for each reason; a new stream begins with nothing.
 */
import { readJobspec } from '../../core/jobspec/read.ts';
import { keyText, type JobKey, type Order } from '../runners/runner.ts';
import type { Send } from '../report.ts';
import type { Offer, Pick } from './pick.ts';

export interface Chooser {
  connected(send: Send): void;
  disconnected(): void;
  offered(orders: readonly Order[], gone: readonly JobKey[]): void;
  /** What was taken has come. */
  started(key: JobKey): void;
  /** There may be room now. */
  again(): void;
}

/** What the server offers at once at the most; more than twice that is its fault, and not kept. */
const MOST = 512;

export function createChooser(parts: {
  readonly name: string;
  readonly pick: Pick;
  readonly maxJobs: number;
  /** Jobs that are held and have not ended. */
  readonly held: () => number;
}): Chooser {
  const { pick, maxJobs } = parts;
  const offers = new Map<string, { readonly order: Order; readonly rank: number | string; said: string }>();
  const taken = new Set<string>();
  let send: Send | null = null;
  let planned = false;

  const choose = (): void => {
    planned = false;
    if (send === null || offers.size === 0) return;
    const wanted = [...offers.values()].filter(({ rank }) => typeof rank === 'number');
    wanted.sort((a, b) => (a.rank as number) - (b.rank as number));
    const room = Math.max(0, maxJobs - parts.held() - taken.size);
    const take = wanted.slice(0, room);
    for (const { order } of take) {
      taken.add(keyText(order));
      offers.delete(keyText(order));
    }
    const full = `no room for it now: at most ${maxJobs} job${maxJobs === 1 ? '' : 's'} at once, and ${parts.name} comes first`;
    const leave = [...offers.values()].flatMap((offer) => {
      const message = typeof offer.rank === 'string' ? offer.rank : full;
      if (offer.said === message) return [];
      offer.said = message;
      return [{ key: keyOf(offer.order), message }];
    });
    if (take.length === 0 && leave.length === 0) return;
    send({ kind: 'choose', take: take.map(({ order }) => keyOf(order)), leave });
  };

  const again = (): void => {
    if (planned || send === null) return;
    planned = true;
    queueMicrotask(choose);
  };

  return {
    connected(to) {
      send = to;
      offers.clear();
      taken.clear();
    },
    disconnected() {
      send = null;
      offers.clear();
      taken.clear();
    },
    offered(orders, gone) {
      for (const key of gone) {
        offers.delete(keyText(key));
        taken.delete(keyText(key));
      }
      for (const order of orders) {
        if (offers.size >= MOST || taken.has(keyText(order))) continue;
        offers.set(keyText(order), { order, rank: pick.rank(offerOf(order)), said: '' });
      }
      again();
    },
    started(key) {
      if (taken.delete(keyText(key))) again();
    },
    again,
  };
}

function keyOf({ jobId, epoch }: JobKey): JobKey {
  return { jobId, epoch };
}

function offerOf(order: Order): Offer {
  try {
    return { order, jobspec: readJobspec(order.jobspec) };
  } catch {
    return { order, jobspec: null };
  }
}

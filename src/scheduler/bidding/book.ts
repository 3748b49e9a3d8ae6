/**
 * Who was asked what, and what they said. One question per cluster and shape is open at a time, whoever wants to know;
 * an answer serves all jobs of that shape until it expires, or until something came or went there and it is older than
 * `reuseMs`. Answers are waited for until the deadline; a late one serves the next.
 *
 * Bounds: `MOST_OPEN` questions to a cluster, `MOST_KEPT` bids in all; a cluster that was silent is not waited for again
 * until a time that doubles with every silence, and one that bid and then refused is not believed for as long.
 */
import type { Bid, BidQuestion } from '../../core/bid/bid.ts';
import type { BidCountKind, ClusterRef } from '../../store/store.ts';
import type { System, Timer } from '../../system/system.ts';

/** A bid and when it was asked for: `mark` is a moment of load.ts. */
export interface HeldBid {
  readonly bid: Bid;
  readonly mark: number;
}

/** The way to one agent: its stream. */
export interface BidLine {
  readonly cluster: ClusterRef;
  /** Sends it; false where the stream takes nothing now. */
  ask(id: string, question: BidQuestion, withinMs: number): boolean;
}

export interface OpenLine {
  /** The bid that answers the question of this id; false where none such is open: counted as stray. */
  answered(requestId: string, read: (question: BidQuestion) => Bid): boolean;
  close(): void;
}

export interface Book {
  /** An agent that bids has connected; the newest line of a cluster counts. */
  open(line: BidLine): OpenLine;
  /** Resolves at the latest after `withinMs`, with a bid for each. */
  collect(question: BidQuestion, clusters: readonly string[], withinMs: number): Promise<ReadonlyMap<string, HeldBid>>;
  /** What is known now without asking; null where it would ask. */
  peek(question: BidQuestion, clusters: readonly string[]): ReadonlyMap<string, HeldBid> | null;
  /** A job went there on its bid and was refused. */
  breach(cluster: string, shape: string, message: string): void;
  /** It kept its word. */
  kept(cluster: string): void;
  dropCluster(cluster: string): void;
  /** Nobody waits any more. */
  close(): void;
}

interface Kept extends HeldBid {
  readonly until: number;
  readonly askedAt: number;
}

interface Open {
  readonly id: string;
  readonly key: string;
  readonly question: BidQuestion;
  readonly askedAt: number;
  readonly mark: number;
  overdue: boolean;
  readonly timers: Timer[];
  waiters: ((held: HeldBid | null) => void)[];
}

interface Line {
  readonly line: BidLine;
  readonly open: Map<string, Open>;
}

interface Standing {
  silences: number;
  breaches: number;
  /** Not waited for until then. */
  quietUntil: number;
}

const MOST_OPEN = 64;
const MOST_KEPT = 20_000;
/** A no is for what will not pass; still, graphs and policies of sites change. */
const NO_FOR_MS = 60_000;
const INVALID_FOR_MS = 10_000;
const MOST_VALID_MS = 300_000;
const FIRST_QUIET_MS = 2_000;
const LAST_QUIET_MS = 64_000;
const FIRST_DISTRUST_MS = 30_000;
/** Questions that nobody answers are forgotten. */
const FORGET_MS = 60_000;
const MOST_DOUBLINGS = 7;

const SILENT: Bid = { kind: 'silent' };

export function createBook(deps: {
  readonly system: System;
  readonly mark: () => number;
  readonly hasChanged: (cluster: string, mark: number) => boolean;
  /** A bid in the name of a cluster that cannot be asked. */
  readonly proxy: (cluster: string, question: BidQuestion) => Bid;
  readonly count: (cluster: ClusterRef, kind: BidCountKind) => void;
  /** Milliseconds. */
  readonly reuseMs: number;
}): Book {
  const { system } = deps;
  const { clock, timers } = system;
  const lines = new Map<string, Line>();
  const keptBids = new Map<string, Kept>();
  const standings = new Map<string, Standing>();
  let asked = 0;

  const keyOf = (cluster: string, shape: string): string => `${shape} ${cluster}`;
  const standingOf = (cluster: string): Standing => {
    let standing = standings.get(cluster);
    if (standing === undefined) standings.set(cluster, (standing = { silences: 0, breaches: 0, quietUntil: 0 }));
    return standing;
  };

  const keep = (key: string, held: Kept): void => {
    keptBids.delete(key);
    keptBids.set(key, held);
    const [oldest] = keptBids.keys();
    if (keptBids.size > MOST_KEPT && oldest !== undefined) keptBids.delete(oldest);
  };

  /** Not expired; `fresh`: nothing came or went there that it should know of. */
  const known = (cluster: string, key: string): { readonly held: Kept; readonly fresh: boolean } | null => {
    const held = keptBids.get(key);
    if (held === undefined) return null;
    const now = clock.now();
    if (held.until <= now) {
      keptBids.delete(key);
      return null;
    }
    const young = now - held.askedAt <= deps.reuseMs;
    return { held, fresh: held.bid.kind !== 'yes' || young || !deps.hasChanged(cluster, held.mark) };
  };

  const forget = (line: Line, open: Open): void => {
    line.open.delete(open.id);
    for (const timer of open.timers) timer.cancel();
  };

  const release = (open: Open, held: HeldBid | null): void => {
    const { waiters } = open;
    open.waiters = [];
    for (const waiter of waiters) waiter(held);
  };

  /** The open question about this, a new one where there is none; null where it cannot be asked. */
  const openQuestion = (line: Line, cluster: string, question: BidQuestion, withinMs: number): Open | null => {
    const key = keyOf(cluster, question.shape);
    // One that is overdue may still be answered, for the next; it is not waited for.
    for (const open of line.open.values()) if (open.key === key && !open.overdue) return open;
    if (line.open.size >= MOST_OPEN) return null;
    const id = `${++asked}`;
    const open: Open = {
      id,
      key,
      question,
      askedAt: clock.now(),
      mark: deps.mark(),
      overdue: false,
      timers: [],
      waiters: [],
    };
    if (!line.line.ask(id, question, withinMs)) return null;
    line.open.set(id, open);
    deps.count(line.line.cluster, 'asked');
    open.timers.push(
      timers.after(withinMs, () => {
        open.overdue = true;
        deps.count(line.line.cluster, 'silent');
        const standing = standingOf(cluster);
        const quiet = FIRST_QUIET_MS * 2 ** Math.min(standing.silences, MOST_DOUBLINGS);
        standing.silences += 1;
        standing.quietUntil = clock.now() + Math.min(quiet, LAST_QUIET_MS);
        release(open, null);
      }),
      timers.after(FORGET_MS, () => forget(line, open)),
    );
    return open;
  };

  const collectOne = (cluster: string, question: BidQuestion, withinMs: number): HeldBid | Promise<HeldBid> => {
    const key = keyOf(cluster, question.shape);
    const before = known(cluster, key);
    if (before?.fresh === true) return before.held;
    const proxy = (): HeldBid => ({ bid: deps.proxy(cluster, question), mark: deps.mark() });
    const line = lines.get(cluster);
    if (line === undefined) return before?.held ?? proxy();
    const silent = (): HeldBid => before?.held ?? { bid: SILENT, mark: deps.mark() };
    if (clock.now() < standingOf(cluster).quietUntil) return silent();
    const open = openQuestion(line, cluster, question, withinMs);
    if (open === null) return before?.held ?? proxy();
    const { promise, resolve } = Promise.withResolvers<HeldBid>();
    // Whoever joined a question of another wait has its own deadline.
    const timer = timers.after(withinMs, () => resolve(silent()));
    open.waiters.push((held) => {
      timer.cancel();
      resolve(held ?? silent());
    });
    return promise;
  };

  return {
    open(bidLine) {
      const { cluster } = bidLine;
      const line: Line = { line: bidLine, open: new Map() };
      const older = lines.get(cluster.name);
      lines.set(cluster.name, line);
      if (older !== undefined) end(older);
      // A new agent, or the same one again: it may say otherwise now. What it broke is not forgotten.
      const standing = standings.get(cluster.name);
      if (standing !== undefined) Object.assign(standing, { silences: 0, quietUntil: 0 });
      for (const [key, held] of keptBids) if (key.endsWith(` ${cluster.name}`) && !isBreach(held)) keptBids.delete(key);
      return {
        answered(requestId, read) {
          const open = line.open.get(requestId);
          if (open === undefined) {
            deps.count(cluster, 'stray');
            return false;
          }
          forget(line, open);
          const bid = read(open.question);
          const now = clock.now();
          if (open.overdue) deps.count(cluster, 'late');
          else standingOf(cluster.name).silences = 0;
          deps.count(cluster, bid.kind === 'silent' ? 'invalid' : bid.kind);
          const until =
            bid.kind === 'yes'
              ? Math.min(bid.expiresAt, now + MOST_VALID_MS)
              : now + (bid.kind === 'no' ? NO_FOR_MS : INVALID_FOR_MS);
          const held = { bid, mark: open.mark, askedAt: open.askedAt, until };
          const distrusted = keptBids.get(open.key);
          if (distrusted === undefined || !isBreach(distrusted) || distrusted.until <= now) keep(open.key, held);
          release(open, held);
          return true;
        },
        close() {
          if (lines.get(cluster.name) === line) lines.delete(cluster.name);
          end(line);
        },
      };
    },
    async collect(question, clusters, withinMs) {
      const held = new Map<string, HeldBid>();
      await Promise.all(
        clusters.map(async (cluster) => void held.set(cluster, await collectOne(cluster, question, withinMs))),
      );
      return held;
    },
    peek(question, clusters) {
      const held = new Map<string, HeldBid>();
      for (const cluster of clusters) {
        const before = known(cluster, keyOf(cluster, question.shape));
        if (before?.fresh === true) held.set(cluster, before.held);
        else if (!lines.has(cluster)) held.set(cluster, { bid: deps.proxy(cluster, question), mark: deps.mark() });
        else if (clock.now() < standingOf(cluster).quietUntil) {
          held.set(cluster, before?.held ?? { bid: SILENT, mark: deps.mark() });
        } else return null;
      }
      return held;
    },
    breach(cluster, shape, message) {
      const standing = standingOf(cluster);
      const distrust = FIRST_DISTRUST_MS * 2 ** Math.min(standing.breaches, MOST_DOUBLINGS);
      standing.breaches += 1;
      const now = clock.now();
      const bid: Bid = { kind: 'invalid', reason: { code: 'refused', message } };
      keep(keyOf(cluster, shape), { bid, mark: deps.mark(), askedAt: now, until: now + distrust });
    },
    kept(cluster) {
      const standing = standings.get(cluster);
      if (standing !== undefined) standing.breaches = 0;
    },
    close: endAll,
    dropCluster(cluster) {
      const line = lines.get(cluster);
      lines.delete(cluster);
      if (line !== undefined) end(line);
      standings.delete(cluster);
      for (const key of keptBids.keys()) if (key.endsWith(` ${cluster}`)) keptBids.delete(key);
    },
  };

  function endAll(): void {
    for (const line of lines.values()) end(line);
    lines.clear();
  }

  function end(line: Line): void {
    for (const open of line.open.values()) {
      forget(line, open);
      release(open, null);
    }
  }
}

function isBreach({ bid }: HeldBid): boolean {
  return bid.kind === 'invalid' && bid.reason.code === 'refused';
}

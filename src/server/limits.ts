/**
 * What one caller may send and how often it may fail. Sizes are chosen so that no answer grows past what the
 * prototype's clients can read (4 MiB) and no call holds the process for long.
 */
import { RainbowError } from '../core/errors.ts';
import { MOST_ARRAY_TASKS } from '../core/job/array-spec.ts';
import type { Clock } from '../system/system.ts';

export const LIMITS = {
  /** Clusters and groups with their tokens, in one submit. */
  credentials: 1_000,
  /** Names in a restriction of candidates, or in a group. */
  clusters: 10_000,
  /** Job numbers in one AcceptJobs. */
  jobNumbers: 100_000,
  /** UTF-8 bytes of one jobspec. */
  jobspecBytes: 1 << 20,
  /** Bytes of a jobspec as a JSON string, which is how the prototype's clients get it. */
  jobspecJsonBytes: 3 << 20,
  /** Characters of a job's name. */
  jobName: 256,
  /** Characters of an idempotency key, and of a cancel's message. */
  text: 1_024,
  /** Keys of a cluster's state, and characters of one key or of one text value. */
  stateKeys: 1_000,
  stateText: 4_096,
  /** Options of a selection policy, and characters in all of them. */
  policyOptions: 100,
  policyText: 65_536,
  /** Tasks of one array. */
  arrayTasks: MOST_ARRAY_TASKS,
  /** Jobs and arrays that one job waits for. */
  dependencies: 1_000,
  /** Jobs of an owner that have not ended, beside which a singleton is taken: a look may walk past all of them. */
  besideSingleton: 10_000,
  /** Jobs in one page. */
  pageDefault: 100,
  page: 1_000,
  /** Bytes of one ReceiveJobs answer: the prototype's clients refuse messages over 4 MiB. */
  receiveBytes: 3_500_000,
} as const;

/** Failures that one address may have with one name at once, and how many it gets back per second. */
const FAILURES = { burst: 100, perSecond: 2 };
/** Buckets that one limit keeps. */
const MOST_KEYS = 10_000;

/** Token buckets by key; one that was never used is full. In order of last use: the longest unused goes first. */
class Buckets {
  readonly #clock: Clock;
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #buckets = new Map<string, { left: number; at: number }>();

  constructor(clock: Clock, size: { readonly burst: number; readonly perSecond: number }) {
    this.#clock = clock;
    this.#burst = size.burst;
    this.#perSecond = size.perSecond;
  }

  left(key: string): number {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return this.#burst;
    const seconds = (this.#clock.monotonic() - bucket.at) / 1_000;
    return Math.min(this.#burst, bucket.left + seconds * this.#perSecond);
  }

  take(key: string): void {
    const left = Math.max(0, this.left(key) - 1);
    this.#buckets.delete(key);
    this.#buckets.set(key, { left, at: this.#clock.monotonic() });
    if (this.#buckets.size > MOST_KEYS) {
      const oldest = this.#buckets.keys().next();
      if (oldest.done !== true) this.#buckets.delete(oldest.value);
    }
  }
}

/**
 * Per (address, name tried), and only failures cost: wrong tries at one name from one address slow down to two a
 * second; callers with other names at the same address (one NAT, one login node) are not held up. It is asked only
 * about tries that are wrong, so that nobody can lock out who has the right secret: what keeps a secret from being
 * guessed is its length.
 */
export class FailureLimit {
  readonly #buckets: Buckets;

  constructor(clock: Clock) {
    this.#buckets = new Buckets(clock, FAILURES);
  }

  /** Of a try that is wrong: throws `resource_exhausted` where too many have failed before. Costs nothing. */
  check(peer: string, name: string): void {
    if (this.#buckets.left(keyOf(peer, name)) >= 1) return;
    throw new RainbowError(
      'resource_exhausted',
      'too many failed attempts from your address: correct the secret or token, and try again',
    );
  }

  /** A try has failed. */
  failed(peer: string, name: string): void {
    this.#buckets.take(keyOf(peer, name));
  }
}

/** Submits per owner: at the rate that the operator set, two seconds' worth at once. */
export class SubmitLimit {
  readonly #perSecond: number;
  readonly #buckets: Buckets | null;

  /** `perSecond` null: no limit. */
  constructor(clock: Clock, perSecond: number | null) {
    this.#perSecond = perSecond ?? 0;
    this.#buckets = perSecond === null ? null : new Buckets(clock, { burst: Math.max(1, 2 * perSecond), perSecond });
  }

  /** Throws `resource_exhausted` where this owner has to wait. */
  take(owner: string): void {
    if (this.#buckets === null) return;
    if (this.#buckets.left(owner) < 1) {
      throw new RainbowError(
        'resource_exhausted',
        `you may submit ${this.#perSecond} jobs a second on this server; wait a moment, and submit it again`,
      );
    }
    this.#buckets.take(owner);
  }
}

/** The name is cut: it is whatever the caller sent. */
function keyOf(peer: string, name: string): string {
  return `${addressOf(peer)} ${name.slice(0, 64)}`;
}

/** Without the port, which is new with every connection: `127.0.0.1:50122`, `ipv6:[::1]:50122`, `::1`. */
export function addressOf(peer: string): string {
  const bare = peer.replace(/^ipv[46]:/, '');
  const bracketed = /^\[([^\]]*)\]/.exec(bare);
  if (bracketed !== null) return bracketed[1]!;
  return bare.split(':').length === 2 ? bare.slice(0, bare.indexOf(':')) : bare;
}

/**
 * What must always hold, checked after every step on what is durable, on what was answered, and on what the clusters
 * really started. The first thing that does not hold is kept; the simulation ends there.
 *   answered      a submit that was answered is durable, for ever; the same key is the same job
 *   events        numbered without a gap in the order of commits; a watcher sees each once, and only what is durable
 *   transitions   along the table, conditional on the epoch; a final state stays
 *   started       natively once per (job, epoch), only under a lease that is committed; a second time under another
 *                 epoch only where its owner chose `requeue` or `duplicate`, or a polling client had it
 *   ends          what is stored as a job's end is what became of it natively, under that very epoch
 *   acknowledged  a report is acknowledged after its commit
 *   capacity      no core of a cluster is given to two jobs
 */
import { isAllowed, isFinal, type JobState } from '../../src/core/job/state.ts';
import type { NativeEnd } from '../../src/agent/runners/runner.ts';
import type { Database } from '../../src/store/sqlite/database.ts';

export interface KnownJob {
  readonly id: string;
  state: JobState;
  epoch: number;
  reason: string;
  cluster: string | null;
  onClusterLoss: string;
  /** A polling client had it under a lease once. */
  polled: boolean;
  cancelAsked: boolean;
  /** Epochs under which it was received, and where. */
  readonly leases: Map<number, string>;
  /** `epoch@cluster` of every native start. */
  readonly starts: string[];
}

interface EventRow {
  readonly seq: number;
  readonly job_id: string | null;
  readonly kind: string;
  readonly cluster: string | null;
  readonly epoch: number | null;
  readonly reason_code: string | null;
}

interface JobRow {
  readonly name: string;
  readonly state: JobState;
  readonly epoch: number;
  readonly on_cluster_loss: string;
  readonly cluster_id: number | null;
  readonly reason_code: string;
  readonly allocation: string | null;
}

const NEW_EVENTS = `SELECT seq, CAST(job_id AS TEXT) AS job_id, kind, cluster, epoch, reason_code FROM events
  WHERE seq > ? ORDER BY seq`;
const ROW = `SELECT name, state, epoch, on_cluster_loss, cluster_id, reason_code, allocation
  FROM jobs JOIN job_documents ON job_id = jobs.id WHERE jobs.id = ?`;
/** The order in which an agent's reports can be true. */
const RANK: Readonly<Record<string, number>> = { received: 1, accepted: 2, running: 3, unknown: 4 };
const FROM_A_RUN = new Set(['exit', 'signal', 'node_failure']);
const LOSES = new Set(['requeue', 'duplicate']);

export class Ledger {
  /** What does not hold; null: all does. */
  violation: string | null = null;
  readonly jobs = new Map<string, KnownJob>();
  readonly answered = new Set<string>();
  /** Names of jobs that were submitted with a key, however often. */
  readonly wantedOnce = new Set<string>();
  readonly #database: Database;
  readonly #polledCluster: string;
  readonly #checksCores: boolean;
  readonly #byName = new Map<string, string>();
  readonly #ends = new Map<string, NativeEnd>();
  readonly #cores = new Map<string, string>();
  readonly #coresOf = new Map<string, readonly string[]>();
  readonly #watched = new Map<string, number>();
  #lastSeq = 0;

  /** `checksCores`: only where clusters do not choose other cores than the server did. */
  constructor(database: Database, polledCluster: string, checksCores: boolean) {
    this.#database = database;
    this.#polledCluster = polledCluster;
    this.#checksCores = checksCores;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  holds(claim: boolean, what: () => string): void {
    if (!claim) this.violation ??= what();
  }

  // ── what is durable ──

  committed(): void {
    const touched = new Set<string>();
    for (const row of this.#database.query({ sql: NEW_EVENTS, values: [this.#lastSeq] })) {
      const event = row as unknown as EventRow;
      this.holds(event.seq === this.#lastSeq + 1, () => `events: ${event.seq} comes after ${this.#lastSeq}`);
      this.#lastSeq = event.seq;
      if (event.job_id === null) continue;
      touched.add(event.job_id);
      this.#event(event.job_id, event);
    }
    for (const id of touched) this.#compare(id);
  }

  /** After the life: every row is as its events say. */
  compareAll(): void {
    for (const id of this.jobs.keys()) this.#compare(id);
  }

  #event(id: string, event: EventRow): void {
    const to = event.kind as JobState;
    const epoch = event.epoch ?? 0;
    const reason = event.reason_code ?? '';
    let job = this.jobs.get(id);
    if (job === undefined) {
      this.holds(to === 'pending' && epoch === 1, () => `transitions: job ${id} begins as ${to} in epoch ${epoch}`);
      job = {
        id,
        state: 'pending',
        epoch: 1,
        reason,
        cluster: null,
        onClusterLoss: '',
        polled: false,
        cancelAsked: false,
        leases: new Map(),
        starts: [],
      };
      this.jobs.set(id, job);
      return;
    }
    if (event.kind === 'cancel_requested') {
      job.cancelAsked = true;
      return;
    }
    const { state: from, epoch: before } = job;
    const due = to === 'pending' ? before + 1 : before;
    this.holds(isAllowed(from, to), () => `transitions: job ${id} went from ${from} to ${to} (${reason})`);
    this.holds(epoch === due, () => `transitions: job ${id} is ${to} in epoch ${epoch}, not ${due}`);
    Object.assign(job, { state: to, epoch, reason, cluster: event.cluster });
    if (to === 'received') {
      job.leases.set(epoch, event.cluster ?? '');
      job.polled ||= event.cluster === this.#polledCluster;
    }
    if (isFinal(to)) this.#ended(job);
  }

  #compare(id: string): void {
    const row = this.#database.query({ sql: ROW, values: [BigInt(id)] })[0] as unknown as JobRow | undefined;
    const job = this.jobs.get(id);
    if (job === undefined) return;
    this.holds(row !== undefined, () => `answered: job ${id} is gone`);
    if (row === undefined) return;
    if (job.onClusterLoss === '') this.#born(id, row.name);
    job.onClusterLoss = row.on_cluster_loss;
    this.holds(
      row.state === job.state && row.epoch === job.epoch,
      () => `events: job ${id} is ${row.state} in epoch ${row.epoch}, its events say ${job.state} in ${job.epoch}`,
    );
    if (this.#checksCores) this.#takeCores(id, row);
  }

  #born(id: string, name: string): void {
    const earlier = this.#byName.get(name);
    this.#byName.set(name, id);
    const may = earlier === undefined || !this.wantedOnce.has(name);
    this.holds(may, () => `answered: one key gave job ${earlier} and job ${id}`);
  }

  // ── capacity ──

  #takeCores(id: string, row: JobRow): void {
    for (const core of this.#coresOf.get(id) ?? []) if (this.#cores.get(core) === id) this.#cores.delete(core);
    this.#coresOf.delete(id);
    const over = isFinal(row.state) || row.state === 'pending' || row.reason_code === 'not_reported';
    if (over || row.allocation === null) return;
    const cores = coresIn(row.allocation).map((core) => `${row.cluster_id}/${core}`);
    for (const core of cores) {
      const other = this.#cores.get(core);
      this.holds(other === undefined, () => `capacity: core ${core} is given to job ${other} and to job ${id}`);
      this.#cores.set(core, id);
    }
    this.#coresOf.set(id, cores);
  }

  // ── what the clusters did ──

  started(cluster: string, jobId: string, epoch: number): void {
    const job = this.jobs.get(jobId);
    const lease = job?.leases.get(epoch);
    this.holds(lease === cluster, () => `started: ${jobId}.${epoch} at ${cluster}, which has no lease of it`);
    if (job === undefined) return;
    const start = `${epoch}@${cluster}`;
    const earlier = [...job.starts];
    job.starts.push(start);
    this.holds(!earlier.includes(start), () => `started: ${jobId}.${epoch} twice at ${cluster}`);
    const may = earlier.length === 0 || job.polled || LOSES.has(job.onClusterLoss);
    this.holds(may, () => `started: job ${jobId} (${job.onClusterLoss}) as ${start} after ${earlier.join(', ')}`);
  }

  ended(jobId: string, epoch: number, end: NativeEnd): void {
    this.#ends.set(`${jobId}.${epoch}`, end);
  }

  #ended(job: KnownJob): void {
    const { id, state, reason, epoch } = job;
    const say = (what: string) => (): string =>
      `ends: job ${id} is ${state} (${reason}) in epoch ${epoch}, but ${what}`;
    if (state === 'completed' || FROM_A_RUN.has(reason)) {
      const end = this.#ends.get(`${id}.${epoch}`);
      this.holds(end?.outcome === state, say(`natively it is ${end === undefined ? 'not over' : end.outcome}`));
    }
    this.holds(reason !== 'native', say('no cluster loses or cancels jobs by itself'));
    this.holds(reason !== 'cluster_lost' || job.onClusterLoss === 'fail', say(`its owner chose ${job.onClusterLoss}`));
  }

  // ── what was answered ──

  submitted(id: string): void {
    this.holds(this.jobs.has(id), () => `answered: job ${id} was acknowledged and is not durable`);
    this.answered.add(id);
  }

  acknowledged(cluster: string, jobId: string, epoch: number, state: string): void {
    const job = this.jobs.get(jobId);
    if (job === undefined || job.epoch !== epoch || job.cluster !== cluster || isFinal(job.state)) return;
    const rank = RANK[state] ?? Number.POSITIVE_INFINITY;
    this.holds(
      (RANK[job.state] ?? 0) >= rank,
      () => `acknowledged: ${jobId}.${epoch} as ${state}, and it is ${job.state}`,
    );
  }

  watched(watcher: string, seq: number): void {
    const last = this.#watched.get(watcher) ?? 0;
    this.holds(seq === last + 1, () => `events: ${watcher} saw ${seq} after ${last}`);
    this.holds(seq <= this.#lastSeq, () => `events: ${watcher} saw ${seq}, which is not durable`);
    this.#watched.set(watcher, seq);
  }

  seenBy(watcher: string): number {
    return this.#watched.get(watcher) ?? 0;
  }
}

/** Ids of the cores in a stored allocation: the innermost of node > slot > core. */
function coresIn(allocation: string): string[] {
  type Claims = readonly (readonly [string, number, number, string])[];
  const { groups } = JSON.parse(allocation) as {
    readonly groups: readonly { readonly slots: readonly { readonly claims: Claims }[]; readonly claims: Claims }[];
  };
  return groups
    .flatMap(({ slots, claims }) => [...slots.flatMap((slot) => slot.claims), ...claims])
    .filter(([, , , request]) => /with.*with/.test(request))
    .map(([id]) => id);
}

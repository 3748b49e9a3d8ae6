/**
 * What must always hold, checked after every step on what is durable, on what was answered, and on what the clusters
 * really started. The first thing that does not hold is kept; the simulation ends there.
 *   answered      a submit that was answered is durable until retention takes its ended job; the same key is the same job
 *   events        numbered without a gap in the order of commits; a watcher sees each once, and only what is durable
 *   transitions   along the table, conditional on the epoch; a final state stays
 *   asked         nobody is assigned before, beyond or beside what its owner asked for (promises.ts)
 *   started       natively once per (job, epoch), only under a lease that is committed; a second time under another
 *                 epoch only after a failure that is to be tried again, or where its owner chose `requeue` or
 *                 `duplicate`, or a polling client had it; never under an epoch that was given back
 *   ends          what is stored as a job's end is what became of it natively, under that very epoch
 *   acknowledged  a report is acknowledged after its commit
 *   capacity      no core of a cluster is given to two jobs
 */
import { isRetried } from '../../src/core/job/retry.ts';
import { isAllowed, isFinal, JOB_STATES, mayBeOutrun, type JobState } from '../../src/core/job/state.ts';
import type { NativeEnd } from '../../src/agent/runners/runner.ts';
import type { Database } from '../../src/store/sqlite/database.ts';
import { createPromises, type KnownArray, type KnownJob, type Promises, type Wanted } from './promises.ts';

export type { KnownJob } from './promises.ts';

interface EventRow {
  readonly seq: number;
  readonly at: number;
  readonly job_id: string | null;
  readonly array_id: string | null;
  readonly kind: string;
  readonly cluster: string | null;
  readonly epoch: number | null;
  readonly reason_code: string | null;
  readonly reason_message: string | null;
  readonly detail: string | null;
}

interface JobRow {
  readonly state: JobState;
  readonly epoch: number;
  readonly cluster_id: number | null;
  readonly reason_code: string;
  readonly allocation: string | null;
  readonly waits: number;
  readonly ended_by: number | null;
}

interface BornRow {
  readonly id: string;
  readonly name: string;
  readonly on_cluster_loss: string;
  readonly start_by: number | null;
}

/** What retention deletes is remembered here, or an end that goes with the very commit that holds it would be missed. */
const REMEMBER = [
  'CREATE TEMP TABLE deleted_events AS SELECT * FROM main.events WHERE 0',
  `CREATE TEMP TRIGGER remember_events BEFORE DELETE ON main.events BEGIN
     INSERT INTO deleted_events SELECT * FROM main.events WHERE seq = OLD.seq; END`,
];
const COLUMNS = `seq, at, CAST(job_id AS TEXT) AS job_id, CAST(array_id AS TEXT) AS array_id, kind, cluster, epoch,
  reason_code, reason_message, detail`;
const NEW_EVENTS = `SELECT ${COLUMNS} FROM events WHERE seq > ?1
  UNION ALL SELECT ${COLUMNS} FROM deleted_events WHERE seq > ?1 ORDER BY seq`;
const ROW = `SELECT state, epoch, cluster_id, reason_code, allocation, waits, ended_by
  FROM jobs JOIN job_documents ON job_id = jobs.id WHERE jobs.id = ?`;
const BORN = 'SELECT CAST(id AS TEXT) AS id, name, on_cluster_loss, start_by FROM jobs';
/** Ways back to pending after which nothing of that attempt may begin any more. */
const GIVEN_BACK = new Set(['moved', 'not_held', 'refused', 'left', 'cluster_drained', 'retry']);
/** The order in which an agent's reports can be true. */
const RANK: Readonly<Record<string, number>> = { received: 1, accepted: 2, running: 3, unknown: 4 };
const FROM_A_RUN = new Set(['exit', 'signal', 'node_failure']);
const LOSES = new Set(['requeue', 'duplicate']);

export class Ledger {
  /** What does not hold; null: all does. */
  violation: string | null = null;
  readonly jobs = new Map<string, KnownJob>();
  readonly arrays = new Map<string, KnownArray>();
  /** Jobs and arrays. */
  readonly answered = new Set<string>();
  /** What was asked for, by the job's name: one for each submit, however often it is said. */
  readonly wanted = new Map<string, Wanted>();
  readonly promises: Promises;
  readonly #database: Database;
  readonly #polledCluster: string;
  readonly #checksCores: boolean;
  readonly #prunes: boolean;
  readonly #byName = new Map<string, string>();
  readonly #ends = new Map<string, NativeEnd>();
  readonly #cores = new Map<string, string>();
  readonly #coresOf = new Map<string, readonly string[]>();
  readonly #watched = new Map<string, number>();
  #lastSeq = 0;

  /** `checksCores`: only where clusters do not choose other cores than the server did. `prunes`: ended jobs go. */
  constructor(
    database: Database,
    polledCluster: string,
    { checksCores, prunes }: { readonly checksCores: boolean; readonly prunes: boolean },
  ) {
    this.#database = database;
    this.#polledCluster = polledCluster;
    this.#checksCores = checksCores;
    this.#prunes = prunes;
    this.promises = createPromises(this.jobs, this.arrays, (claim, what) => this.holds(claim, what));
    for (const sql of REMEMBER) database.command(sql);
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
      if (event.job_id === event.array_id) {
        this.#arrayEvent(event.job_id, event);
        continue;
      }
      touched.add(event.job_id);
      this.#event(event.job_id, event);
    }
    for (const id of touched) this.#compare(id);
  }

  /** After the life: every row is as its events say, and what can never be met was canceled. */
  compareAll(): void {
    for (const id of this.jobs.keys()) this.#compare(id);
    for (const job of this.jobs.values()) this.promises.kept(job);
  }

  /** Of an array as a whole; its first one stands for those of all its tasks. */
  #arrayEvent(id: string, { kind, reason_code: reason, reason_message: message }: EventRow): void {
    const array = this.arrays.get(id);
    if (array === undefined) {
      const tasks = this.#database.query({ sql: `${BORN} WHERE array_id = ? ORDER BY id`, values: [BigInt(id)] });
      const [first] = tasks as unknown as BornRow[];
      const wanted = first === undefined ? null : (this.wanted.get(first.name) ?? null);
      this.arrays.set(id, { id, wanted, tasks: [], over: isFinal(kind as JobState), cancelAsked: false });
      if (first !== undefined) this.#once(id, first.name);
      for (const row of tasks) this.#born((row as unknown as BornRow).id, kind as JobState, reason ?? '', id);
    } else if (kind === 'reason') {
      for (const id of array.tasks) this.promises.reasonOf(this.jobs.get(id)!, reason ?? '', message === 'released');
    } else if (kind === 'cancel_requested') {
      array.cancelAsked = true;
    } else {
      array.over = true;
      this.promises.arrayEnded(array, kind);
    }
  }

  #event(id: string, event: EventRow): void {
    const to = event.kind as JobState;
    const epoch = event.epoch ?? 0;
    const reason = event.reason_code ?? '';
    const job = this.jobs.get(id);
    if (job === undefined) {
      this.holds(to === 'pending' && epoch === 1, () => `transitions: job ${id} begins as ${to} in epoch ${epoch}`);
      this.#born(id, 'pending', reason, event.array_id);
      return;
    }
    if (!JOB_STATES.includes(to)) {
      this.holds(!isFinal(job.state), () => `transitions: job ${id} is ${job.state}, and then ${event.kind}`);
      this.holds(
        epoch === job.epoch,
        () => `transitions: ${event.kind} of job ${id} in epoch ${epoch}, not ${job.epoch}`,
      );
      if (event.kind === 'cancel_requested') job.cancelAsked = reason;
      else if (event.kind === 'reason') this.promises.reasonOf(job, reason);
      return;
    }
    const detail = JSON.parse(event.detail ?? '{}') as { readonly attempt?: number };
    const { state: from, epoch: before } = job;
    const due = to === 'pending' ? before + 1 : before;
    job.endedBy = detail.attempt ?? null;
    const may = job.endedBy === null ? isAllowed(from, to) : this.#mayOutrun(job, to, job.endedBy);
    this.holds(may, () => `transitions: job ${id} went from ${from} to ${to} (${reason})`);
    this.holds(epoch === due, () => `transitions: job ${id} is ${to} in epoch ${epoch}, not ${due}`);
    if (to === 'pending') job.closed.set(before, reason);
    const byTime = reason === 'lease_expired' && event.cluster !== this.#polledCluster;
    this.holds(!byTime, () => `started: the lease of ${id}.${before} at ${event.cluster}, an agent’s, ended by time`);
    Object.assign(job, { state: to, epoch, reason, cluster: event.cluster });
    if (to === 'assigned') this.promises.assigned(job, event.at);
    if (to === 'pending' && reason === 'retry') this.#retried(job, before);
    if (to === 'pending' && reason === 'moved') this.#moved(job, before);
    if (to === 'received') {
      job.leases.set(epoch, event.cluster ?? '');
      job.polled ||= event.cluster === this.#polledCluster;
    }
    if (isFinal(to)) this.#ended(job, from);
  }

  #mayOutrun(job: KnownJob, to: JobState, attempt: number): boolean {
    const ends = to === 'completed' || to === 'failed';
    return ends && mayBeOutrun(job.state) && job.closed.get(attempt) === 'duplicated';
  }

  /** The row is gone where retention took it with the very commit that it came with. */
  #born(id: string, state: JobState, reason: string, array: string | null): void {
    const sql = `${BORN} WHERE id = ?`;
    const row = this.#database.query({ sql, values: [BigInt(id)] })[0] as unknown as BornRow | undefined;
    if (row !== undefined && array === null) this.#once(id, row.name);
    const wanted = (row === undefined ? null : this.wanted.get(row.name)) ?? null;
    this.jobs.set(id, {
      id,
      state,
      epoch: 1,
      reason,
      cluster: null,
      onClusterLoss: row?.on_cluster_loss ?? '',
      polled: false,
      cancelAsked: null,
      leases: new Map(),
      starts: [],
      closed: new Map(),
      endedBy: null,
      wanted,
      startBy: row?.start_by ?? null,
      array,
      held: wanted?.held ?? false,
      begun: false,
      retries: 0,
      gone: row === undefined,
    });
    if (array !== null) this.arrays.get(array)?.tasks.push(id);
  }

  #once(id: string, name: string): void {
    const earlier = this.#byName.get(name);
    this.#byName.set(name, id);
    const known = earlier === undefined ? undefined : this.jobs.get(this.arrays.get(earlier)?.tasks[0] ?? earlier);
    const may = earlier === undefined || this.wanted.get(name)?.once !== true || known?.gone === true;
    this.holds(may, () => `answered: one key gave job ${earlier} and job ${id}`);
  }

  #compare(id: string): void {
    const row = this.#database.query({ sql: ROW, values: [BigInt(id)] })[0] as unknown as JobRow | undefined;
    const job = this.jobs.get(id);
    if (job === undefined) return;
    job.gone ||= row === undefined;
    if (row === undefined) {
      this.holds(this.#prunes && isFinal(job.state), () => `answered: job ${id} is gone, and was ${job.state}`);
      return;
    }
    this.holds(
      row.state === job.state && row.epoch === job.epoch,
      () => `events: job ${id} is ${row.state} in epoch ${row.epoch}, its events say ${job.state} in ${job.epoch}`,
    );
    this.holds(
      row.ended_by === job.endedBy,
      () => `events: job ${id} was ended by ${row.ended_by}, its events say ${job.endedBy}`,
    );
    if (row.state === 'pending') this.promises.waits(job, row.waits, row.reason_code);
    if (this.#checksCores) this.#takeCores(id, row);
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
    const over = job.closed.get(epoch) ?? '';
    this.holds(!GIVEN_BACK.has(over), () => `started: ${jobId}.${epoch} at ${cluster}, which gave it back (${over})`);
    const may = job.polled || this.#mayLose(job) || earlier.every((each) => this.#isToBeTriedAgain(job, each));
    this.holds(may, () => `started: job ${jobId} (${job.onClusterLoss}) as ${start} after ${earlier.join(', ')}`);
  }

  #mayLose({ onClusterLoss, wanted }: KnownJob): boolean {
    if (LOSES.has(onClusterLoss)) return true;
    return onClusterLoss === 'fail' && wanted?.retry?.on.includes('cluster_lost') === true;
  }

  #isToBeTriedAgain({ id, wanted }: KnownJob, start: string): boolean {
    const end = this.#ends.get(`${id}.${start.slice(0, start.indexOf('@'))}`);
    const retry = wanted?.retry ?? null;
    return end !== undefined && end.outcome === 'failed' && retry !== null && isRetried(retry, end);
  }

  ended(jobId: string, epoch: number, end: NativeEnd): void {
    this.#ends.set(`${jobId}.${epoch}`, end);
  }

  /** The attempt of `epoch` failed. */
  #retried(job: KnownJob, epoch: number): void {
    this.promises.retried(job);
    const sql = 'SELECT state, reason_code FROM attempts WHERE job_id = ? AND epoch = ?';
    const row = this.#database.query({ sql, values: [BigInt(job.id), BigInt(epoch)] })[0] as unknown as
      | { readonly state: string; readonly reason_code: string }
      | undefined;
    const end = this.#ends.get(`${job.id}.${epoch}`);
    const may = row === undefined || !FROM_A_RUN.has(row.reason_code) || end?.outcome === 'failed';
    this.holds(
      may && (row?.state ?? 'failed') === 'failed',
      () => `ends: attempt ${epoch} of job ${job.id} is ${row?.state} (${row?.reason_code}), natively ${end?.outcome}`,
    );
  }

  /** Nobody runs what was taken back. */
  #moved(job: KnownJob, epoch: number): void {
    const ran = job.starts.some((start) => start.startsWith(`${epoch}@`));
    this.holds(!ran, () => `started: job ${job.id} was moved under epoch ${epoch}, and had started`);
  }

  #ended(job: KnownJob, from: JobState): void {
    const { id, state, reason, epoch } = job;
    const say = (what: string) => (): string =>
      `ends: job ${id} is ${state} (${reason}) in epoch ${epoch}, but ${what}`;
    if (state === 'completed' || FROM_A_RUN.has(reason)) {
      // One that could not be tried again elsewhere ends as its last attempt did.
      const ran = job.endedBy ?? (from === 'pending' ? epoch - 1 : epoch);
      const end = this.#ends.get(`${id}.${ran}`);
      this.holds(end?.outcome === state, say(`natively it is ${end === undefined ? 'not over' : end.outcome}`));
    }
    this.holds(reason !== 'native', say('no cluster loses or cancels jobs by itself'));
    this.holds(reason !== 'cluster_lost' || job.onClusterLoss === 'fail', say(`its owner chose ${job.onClusterLoss}`));
    this.promises.ended(job, from);
  }

  // ── what was answered ──

  submitted(id: string): void {
    const isThere = this.jobs.has(id) || this.arrays.has(id);
    this.holds(isThere, () => `answered: job ${id} was acknowledged and is not durable`);
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

  /** Retention deleted what it would have missed, and it was told from where on none is missing. */
  toldOfGap(watcher: string, from: number): void {
    const last = this.#watched.get(watcher) ?? 0;
    this.holds(
      this.#prunes && from > last && from <= this.#lastSeq,
      () => `events: ${watcher} stood at ${last} and was told to go on from ${from}`,
    );
    this.#watched.set(watcher, from);
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

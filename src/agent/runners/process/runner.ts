/**
 * The process runner: this machine is the cluster. Its native queue is a directory per job (files.ts); a job starts
 * when what it asks for is free on the cluster's own graph, the highest priority first, then the first come; nothing
 * overtakes the job at the head, so nothing starves. Each attempt runs under its shim (shim.ts).
 *
 * Invariants: an order is durable before `submit` resolves; a start is durable before the shim is started; a job
 * that waits is canceled by taking its claim, so it cannot start meanwhile. One turn at a time changes anything.
 * Where it stops: no limits on memory or disk.
 * Long, because starting, stopping and following decide together whether an attempt may still run.
 */
import { execFileSync } from 'node:child_process';
import { chmod, chown, link, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NO_CONTAINERS, type ContainerRuntime } from '../../../core/containers/run.ts';
import { RainbowError } from '../../../core/errors.ts';
import { resourceCounts } from '../../../core/graph/counts.ts';
import type { ResourceGraph, Subsystem } from '../../../core/graph/graph.ts';
import type { Reason } from '../../../core/job/state.ts';
import type { Jobspec } from '../../../core/jobspec/jobspec.ts';
import { launchPlan } from '../../../core/jobspec/launch.ts';
import { readJobspec } from '../../../core/jobspec/read.ts';
import type { Witness } from '../../../core/match/matcher.ts';
import type { System, Timer } from '../../../system/system.ts';
import { describe, type Log } from '../../log.ts';
import { bootId, selfIdentity, startOf, uidOf } from '../../process-identity.ts';
import { noHook, type ReachedHook } from '../../sentinels.ts';
import { createTurns } from '../../wait.ts';
import { ownQueue } from '../own-queue.ts';
import type { JobKey, NativeJob, Order, Runner } from '../runner.ts';
import { filesEnvironment, keyText } from '../runner.ts';
import { createAllocation } from './allocation.ts';
import { reopen, reopening, writeDurably } from './files.ts';
import { createJobTable, nativeJob, type LocalJob } from './jobs.ts';
import { findTools, prepare, refuseLoss, startShim, type Attempt, withImage, withInput } from './launch.ts';
import { canceledBy, claimText, NOBODY, readStop, type StartRecord } from './native.ts';
import { readOutput } from './output.ts';
import { signalQuietly } from './remains.ts';
import { SHIM_CLAIMED } from './shim.ts';
import { baseEnvironment, type JobUser } from './user.ts';

export interface ProcessRunnerOptions {
  readonly stateDir: string;
  readonly cluster: string;
  readonly graph: ResourceGraph;
  readonly subsystems: readonly Subsystem[];
  readonly user: JobUser;
  /** Seconds between TERM and KILL; default 5. */
  readonly grace?: number;
  /** Files of ended jobs are moved to `kept/` instead of being removed. */
  readonly keepFiles: boolean;
  /** The agent's own environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly reached?: ReachedHook;
  /** What runs images; none where it is left out. */
  readonly containers?: ContainerRuntime;
}

/** How often jobs are looked at whose shim is no child of ours, or that are to stop. */
const LOOK_MS = 500;
/** Every how many of those looks the others get one too. */
const RARELY = 10;
const FIRST_CLAIM_LOOK_MS = 5;
const LAST_CLAIM_LOOK_MS = 200;
/** Starting a shim may fail for a while (no memory, disk full). */
const MOST_TRIES = 20;
/** Seconds past walltime and grace after which the agent does not trust the shim's timer any more. */
const OVERDUE = 30;

export async function createProcessRunner(options: ProcessRunnerOptions, system: System): Promise<Runner> {
  const { user, log, reached = noHook, containers = NO_CONTAINERS } = options;
  const grace = options.grace ?? 5;
  const jobsDir = join(options.stateDir, 'jobs');
  await mkdir(jobsDir, { recursive: true, mode: 0o700 });
  if (user.switched) for (const dir of [options.stateDir, jobsDir]) await chmod(dir, 0o711);
  const base = baseEnvironment(user, options.environment);
  const tools = findTools((program, args) => {
    try {
      execFileSync(program, args, { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
  const allocation = createAllocation(options.graph, options.subsystems);
  const inTurn = createTurns();
  const watchers = new Set<(job: NativeJob) => void>();
  const timers = new Set<Timer>();
  let closed = false;

  const table = createJobTable(
    {
      jobsDir,
      keptDir: options.keepFiles ? join(options.stateDir, 'kept') : null,
      grace,
      log,
      changed: (job) => {
        if (job.status.state === 'ended') {
          allocation.giveBack(job.text);
          soon(0, startNext);
        }
        for (const watcher of watchers) watcher(nativeJob(job));
      },
    },
    system,
  );

  /** Later, in turn; what goes wrong is said and tried again with the next look. */
  function soon(ms: number, action: () => Promise<void>): void {
    if (closed) return;
    const timer = system.timers.after(ms, () => {
      timers.delete(timer);
      inTurn(async () => {
        if (!closed) await action();
      }).catch((error: unknown) => log.warn(`the process runner: ${describe(error)}`));
    });
    timers.add(timer);
  }

  // ── starting ──────────────────────────────────────────────────────────────────────────────────────────────

  async function startNext(): Promise<void> {
    const unended = [...table.jobs.values()].filter((job) => job.status.state !== 'ended');
    // What that one takes cannot be told.
    if (unended.some((job) => job.unseen && job.start === null)) return;
    const waiting = unended
      .filter((job) => job.status.state === 'accepted' && job.start === null && !job.stopping)
      .sort(inQueueOrder);
    for (const job of waiting) {
      if (job.jobspec === null) {
        await table.conclude(job, failed({ code: 'cannot_start', message: 'this version cannot read its jobspec' }));
        continue;
      }
      const request = job.jobspec.request;
      const witness: Witness | null = request.groups.length === 0 ? { groups: [] } : allocation.place(request);
      if (witness === null) {
        if (allocation.isIdle()) {
          const message = 'it does not fit the graph that this agent was started with';
          await table.conclude(job, failed({ code: 'never_fits', message }));
          continue;
        }
        return;
      }
      await start(job, job.jobspec, witness);
    }
  }

  async function start(job: LocalJob, jobspec: Jobspec, witness: Witness): Promise<void> {
    const { order } = job.accepted;
    let plan: Attempt['plan'];
    try {
      refuseLoss(order.jobspec, containers); // an agent before this one may have run images
      plan = withInput(withImage(launchPlan(jobspec, witness), jobspec, containers), order.jobspec);
    } catch (error) {
      await table.conclude(job, failed({ code: 'cannot_start', message: describe(error) }));
      return;
    }
    const here = selfIdentity();
    const stored = allocation.take(job.text, witness);
    const record: StartRecord = {
      boot: here.boot,
      host: here.host,
      at: system.clock.now(),
      tasks: plan.length,
      uid: user.uid,
      gid: user.gid,
      witness: stored,
    };
    try {
      await prepare(
        job.files,
        {
          jobId: order.jobId,
          epoch: order.epoch,
          cluster: options.cluster,
          name: order.name,
          walltime: order.walltime,
          grace,
          cwd: jobspec.cwd ?? order.sandbox ?? null,
          files: filesEnvironment(order),
          plan,
          start: record,
          array: order.array,
        },
        user,
        base,
        tools,
      );
    } catch (error) {
      // Disk full, perhaps: it waits at the head, and nothing was started.
      allocation.giveBack(job.text);
      soon(5000, startNext);
      throw error;
    }
    job.start = record;
    await reached('startPrepared', job.key);
    runShim(job);
    await reached('shimStarted', job.key);
  }

  function runShim(job: LocalJob): void {
    job.tries++;
    job.ours = true;
    let gone = false;
    startShim(job.files, job.text, user.switched ? job.start : null, base, (code) => {
      gone = true;
      job.ours = false;
      soon(0, () => shimGone(job, code));
    });
    const lookForClaim = (ms: number): void =>
      soon(ms, async () => {
        await table.refresh(job);
        if (job.status.state === 'accepted' && !gone) lookForClaim(Math.min(ms * 2, LAST_CLAIM_LOOK_MS));
      });
    lookForClaim(FIRST_CLAIM_LOOK_MS);
  }

  async function shimGone(job: LocalJob, code: number | null): Promise<void> {
    try {
      await table.refresh(job);
    } catch (error) {
      table.troubled(job, error);
      soon(LOOK_MS, () => shimGone(job, code));
      return;
    }
    if (job.status.state !== 'accepted' || job.stopping) return;
    // Nobody has claimed it: it may be tried again, and only a claim makes it run.
    if (job.tries < MOST_TRIES) {
      if (code !== SHIM_CLAIMED)
        log.warn(`job ${job.text}: its shim could not start (exit ${code ?? 'none'}); trying again`);
      soon(Math.min(250 * 2 ** job.tries, 30_000), async () => {
        if (job.status.state === 'accepted' && !job.stopping) runShim(job);
      });
      return;
    }
    const message = `its shim could not start (exit ${code ?? 'none'}): look at ${job.files.run} and the disk`;
    if (await claimForNobody(job)) await table.conclude(job, failed({ code: 'cannot_start', message }));
    else await table.refresh(job);
  }

  // ── stopping ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes the claim so that no shim can; false where a shim has it. */
  async function claimForNobody(job: LocalJob): Promise<boolean> {
    const aside = join(job.files.dir, 'no-claim');
    await rm(aside, { force: true });
    await writeFile(aside, claimText({ ...selfIdentity(), pid: NOBODY }), { flag: 'wx', mode: 0o644 });
    if (user.switched && job.start !== null) await chown(aside, job.start.uid, job.start.gid);
    try {
      await link(aside, job.files.claim);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      await rm(aside, { force: true });
    }
  }

  async function stop(job: LocalJob, reason: Reason): Promise<void> {
    if (!job.unseen) await table.refresh(job);
    if (job.status.state === 'ended') return;
    if ((await readStop(job.files)) === null) await writeDurably(job.files.stop, JSON.stringify(reason));
    job.stopping = true;
    await reached('stopNoted', job.key);
    // Once it can be looked at.
    if (job.unseen) return;
    if (job.status.state === 'accepted') {
      const free = job.start === null || (await claimForNobody(job));
      if (free) await table.conclude(job, canceledBy(await readStop(job.files)));
      else await table.refresh(job);
    }
    await signalShim(job);
  }

  async function signalShim(job: LocalJob): Promise<void> {
    const { shim } = job;
    if (job.status.state !== 'running' || shim === null || shim.pid <= 0 || shim.boot !== bootId()) return;
    if (startOf(shim.pid) !== shim.start) return;
    // A claim may be forged by who shares the job's user: nobody else's process is signalled, least of all root's.
    if (user.switched && uidOf(shim.pid) !== job.start?.uid) return;
    // It looks for the stop from its directory, which its job may have closed.
    await reopen(job.files);
    signalQuietly(shim.pid, 'SIGTERM');
    signalQuietly(shim.pid, 'SIGCONT');
  }

  // ── following ─────────────────────────────────────────────────────────────────────────────────────────────

  let looks = 0;
  async function look(): Promise<void> {
    looks++;
    for (const job of table.jobs.values()) {
      const told = job.ours && !job.stopping && looks % RARELY !== 0;
      if (told || job.status.state === 'ended') continue;
      try {
        await lookAfter(job);
        job.trouble = '';
      } catch (error) {
        // The others do not wait for it.
        table.troubled(job, error);
      }
    }
  }

  async function lookAfter(job: LocalJob): Promise<void> {
    if (job.unseen) {
      await table.see(job);
      takeUp(job);
      soon(0, startNext);
      return;
    }
    // Its disk was full between the stop and the end.
    if (job.status.state === 'accepted' && job.stopping) await stop(job, canceledBy(null).reason);
    if (job.start === null) return;
    await table.refresh(job);
    if (job.stopping) await signalShim(job);
    const { startedAt } = job.status;
    const { walltime } = job.accepted.order;
    if (startedAt === null || walltime <= 0 || job.status.state !== 'running' || job.stopping) return;
    if (system.clock.now() > startedAt + (walltime + grace + OVERDUE) * 1000) {
      await stop(job, { code: 'time_limit', message: 'it ran into its time limit, and its own timer was gone' });
    }
  }

  /** What an agent before this one left of it goes on. */
  function takeUp(job: LocalJob): void {
    if (job.status.state === 'ended') return;
    if (job.start !== null) allocation.retake(job.text, job.start.witness);
    if (job.unseen || job.status.state !== 'accepted') return;
    // Its agent died between the stop and the end.
    if (job.stopping) soon(0, () => stop(job, canceledBy(null).reason));
    // Started by an agent before us, but not claimed: at most one of two shims will be.
    else if (job.start !== null) runShim(job);
  }

  // In one turn: what is told of the first of them must not have one started that has not been looked at yet.
  await inTurn(async () => {
    await table.load();
    for (const job of table.jobs.values()) takeUp(job);
  });
  soon(0, startNext);
  const lookout = system.timers.every(LOOK_MS, () => {
    inTurn(look).catch((error: unknown) => log.warn(`the process runner: ${describe(error)}`));
  });

  const refusal = (text: string): Reason | null => {
    try {
      const jobspec = readJobspec(text);
      launchPlan(jobspec, null);
      const verdict = allocation.satisfiable(jobspec.request);
      if (verdict.fits !== 'no') return null;
      return { code: 'never_fits', message: verdict.reasons.map((reason) => reason.message).join('; ') };
    } catch (error) {
      return { code: 'cannot_start', message: describe(error) };
    }
  };

  return {
    queue: ownQueue({
      totals: resourceCounts(options.graph),
      jobs: async () => [...table.jobs.values()].map(nativeJob),
      refusal,
      clock: system.clock,
    }),
    withdraw: (key, reason) =>
      inTurn(async () => {
        const job = table.jobs.get(keyText(key));
        if (job === undefined || job.start !== null || job.stopping || job.unseen || job.status.state !== 'accepted')
          return false;
        await stop(job, reason);
        return table.jobs.get(job.text)?.status.state === 'ended';
      }),
    find: async () => [...table.jobs.values()].map(nativeJob),
    ownerOf: async () => (user.switched ? { uid: user.uid, gid: user.gid } : null),
    submit: (order: Order) =>
      inTurn(async () => {
        const there = table.jobs.get(keyText(order));
        if (there !== undefined) return there.text;
        const jobspec = readJobspec(order.jobspec);
        launchPlan(jobspec, null);
        refuseLoss(order.jobspec, containers);
        const verdict = allocation.satisfiable(jobspec.request);
        if (verdict.fits !== 'yes') {
          const why = verdict.reasons.map((reason) => reason.message).join('; ');
          throw new RainbowError('failed_precondition', `it does not fit this cluster's graph: ${why || verdict.fits}`);
        }
        const job = await table.add({ order, acceptedAt: system.clock.now() }, jobspec);
        await reached('orderAdded', job.key);
        soon(0, startNext);
        return job.text;
      }),
    stop: (key, reason) =>
      inTurn(async () => {
        const job = table.jobs.get(keyText(key));
        if (job !== undefined) await stop(job, reason);
      }),
    watch(changed) {
      watchers.add(changed);
      for (const job of table.jobs.values()) changed(nativeJob(job));
      return () => void watchers.delete(changed);
    },
    async output(key, from, limit) {
      const job = table.jobs.get(keyText(key));
      if (job === undefined) return { pieces: [], complete: true };
      const ended = job.status.state === 'ended';
      const { tasks = 0, uid = -1 } = job.start ?? {};
      return reopening(job.files, () => readOutput(job.files, tasks, uid, from, limit, ended, system.clock.now()));
    },
    async busy() {
      const { vertices, keys } = allocation.busy();
      const includes = keys.flatMap((key): JobKey[] => {
        const job = table.jobs.get(key);
        return job === undefined ? [] : [job.key];
      });
      return { vertices, includes };
    },
    forget: (key) =>
      inTurn(async () => {
        const job = table.jobs.get(keyText(key));
        if (job === undefined || job.status.state !== 'ended') return;
        await table.remove(job, () => reached('setAside', job.key));
      }),
    async close() {
      closed = true;
      lookout.cancel();
      for (const timer of timers) timer.cancel();
      timers.clear();
      watchers.clear();
      await inTurn(async () => undefined);
    },
  };
}

function failed(reason: Reason): ReturnType<typeof canceledBy> {
  return { outcome: 'failed', reason, exitCode: reason.code === 'cannot_start' ? 127 : null, signal: null };
}

/** Highest priority first, then first come, then the lower id. */
function inQueueOrder(a: LocalJob, b: LocalJob): number {
  return (
    b.accepted.order.priority - a.accepted.order.priority ||
    a.accepted.acceptedAt - b.accepted.acceptedAt ||
    Number(BigInt(a.key.jobId) - BigInt(b.key.jobId))
  );
}

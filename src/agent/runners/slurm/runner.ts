/**
 * The slurm runner: jobs go into Slurm's own queue by its own commands, as any user's would, and are followed without
 * accounting. Its key is a job's name (key.ts); a submission has its name on disk before sbatch is started, so after a
 * crash it is known what to look for; and the wrapper's claim (wrapper.ts) lets at most one native job of a key run.
 *
 * Invariants: an answer of Slurm counts for what was submitted before it was asked; a controller that is away ends no
 * job; nothing is submitted for a key while a submission of it may still reach Slurm.
 * Where it stops: the spool must be on a file system that the nodes share, else outputs and exit codes stay there.
 * Long, because following and submitting decide together what may be submitted; all that does not is beside it.
 */
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { NO_CONTAINERS } from '../../../core/containers/run.ts';
import { RainbowError } from '../../../core/errors.ts';
import type { Reason } from '../../../core/job/state.ts';
import { readJobspec } from '../../../core/jobspec/read.ts';
import type { System } from '../../../system/system.ts';
import { describe } from '../../log.ts';
import { noHook } from '../../sentinels.ts';
import { createBusyTeller } from '../batch/busy.ts';
import { createFitCheck } from '../batch/fits.ts';
import { createFollowing } from '../batch/following.ts';
import { createJobTable } from '../batch/jobs.ts';
import { oursAmong, type Found, type NativeName } from '../batch/key.ts';
import type { Pace } from '../batch/poll.ts';
import { batchRunner, filesOf, type BatchRunnerOptions } from '../batch/runner.ts';
import type { WrittenFile } from '../process/output.ts';
import { keyText, type NativeJob, type Order, type Runner } from '../runner.ts';
import { askCluster, askNodes } from './cluster.ts';
import { failed, slurmCommands } from './commands.ts';
import { askConfiguration, askPaths } from './configuration.ts';
import { startGlancing } from './glance.ts';
import { openGone } from './gone.ts';
import {
  makeRunDir,
  nativeIdOf,
  refresh,
  relevant,
  said,
  type Accepted,
  type SlurmJobEntry,
  type Submission,
  type Submissions,
} from './jobs.ts';
import { nativeName, readNativeName } from './key.ts';
import { look } from './look.ts';
import { takenVertices } from './nodes.ts';
import { namesUnderWay } from './orphans.ts';
import { createSlurmQueue } from './queue.ts';
import type { SlurmRecord } from './records.ts';
import { phaseOf, phaseOfAll, wasNotLaunched } from './status.ts';
import { lastTaskOf, nativeSubmission, readJobId, slurmJobOf } from './submit.ts';
import { createLimitToSay } from './time-limit.ts';
import type { Users } from './users.ts';
import { fateOf } from './vanished.ts';
import { canBeWithdrawn, claimForNobody, withdrawnFor } from './withdraw.ts';

export interface SlurmRunnerOptions extends BatchRunnerOptions {
  readonly users: Users;
}

const PACE: Pace = { least: 1000, most: 10_000 };
/** A cancel is asked for again after so many looks: a controller that was killed may have forgotten the first. */
const CANCEL_EVERY = 4;
const MOST_SUBMISSIONS = 5;
/** sbatch gives up by itself after Slurm's MessageTimeout, and some. */
const SBATCH_MS = 120_000;

export async function createSlurmRunner(options: SlurmRunnerOptions, system: System): Promise<Runner> {
  const { spool, cluster, realm, users, log, reached = noHook, containers = NO_CONTAINERS } = options;
  const { clock } = system;
  const slurm = slurmCommands(options.environment, system);
  const missingFor = createFitCheck(() => askCluster(slurm, cluster), cluster, system);
  const limitToSay = createLimitToSay(slurm, clock);
  await mkdir(spool, { recursive: true, mode: 0o711 });
  await chmod(spool, 0o711).catch(() => undefined);
  const gone = await openGone(spool, system);
  const watchers = new Set<(native: NativeJob) => void>();
  /** The agent has their claim. */
  const withdrawn = new WeakSet<SlurmJobEntry>();
  /** Its claim is being taken. */
  const withdrawing = new WeakSet<SlurmJobEntry>();
  const ownUid = process.getuid?.() ?? -1;

  const table = createJobTable<Accepted, Submissions>({
    spool,
    keptDir: options.keepFiles ? join(spool, 'kept') : null,
    log,
    changed: (native) => watchers.forEach((watcher) => watcher(native)),
    noNative: [],
    nativeId: nativeIdOf,
    makeRunDir,
  });
  const following = createFollowing<Accepted, Submissions, SlurmRecord>(
    {
      table,
      scheduler: 'Slurm',
      cluster,
      pace: options.pace ?? PACE,
      log,
      look: () => look(slurm, whose()),
      async ours(records) {
        const all = oursAmong(records, realm, readNativeName);
        await gone.prune(new Set([...all.values()].flat().map(({ name }) => name.nonce)));
        return new Map(
          [...all].flatMap(([key, mine]) => {
            const kept = mine.filter(({ name }) => !gone.has(name.nonce));
            return kept.length === 0 ? [] : [[key, kept] as const];
          }),
        );
      },
      strange: adopt,
      follow,
    },
    system,
  );
  const { poll } = following;

  /** Whom it submits for now, and whose jobs are here still: their line in the mapping may be gone. */
  function whose(): readonly string[] {
    const there = [...table.jobs.values()].filter(({ status }) => status.state !== 'ended');
    const theirs = there.map(({ accepted: { user, uid } }) => user?.name ?? String(uid));
    return [...new Set([...users.names(), ...theirs])];
  }

  // ── following ─────────────────────────────────────────────────────────────────────────────────────────────

  /** A native job of ours of which no directory is here: the state directory was lost. */
  async function adopt(mine: readonly Found<SlurmRecord>[]): Promise<void> {
    const { name, record } = mine[0]!;
    log.warn(`job ${keyText(name)}: found in Slurm as ${record.id}, not in ${spool}; its output cannot be had`);
    const { jobId, epoch } = name;
    const at = record.submittedAt ?? clock.now();
    await table.add(
      { jobId, epoch, order: null, acceptedAt: at, user: null, uid: ownUid, lastTask: 0, ownOutput: false },
      [{ nonce: name.nonce, name: record.name, at, nativeId: record.id }],
    );
  }

  async function follow(job: SlurmJobEntry, mine: readonly Found<SlurmRecord>[], askedAt: number): Promise<void> {
    await learnIds(job, mine);
    if (withdrawn.has(job)) return seeOff(job, mine, askedAt);
    await endDuplicates(job, mine);
    const records = await relevant(job, mine);
    if (records.length > 0) {
      job.missing = null;
      if (await wasDroppedAtLaunch(job, records)) return submitAgain(job);
      await refresh(table, job, records, system);
      const isOver = job.status.state === 'ended';
      // Over for us, and about to start again: what is left of it is not wanted.
      if (isOver && phaseOfAll(records) === 'waiting') await cancel(job);
      if (job.stop !== null && !isOver && following.looks() % CANCEL_EVERY === 0) await cancel(job);
      return;
    }
    if (nativeIdOf(job.native) === '' || !following.isMissed(job, askedAt)) return;
    const fate = await fateOf(job, await said(job), { slurm, jobcomp, hasAccounting }, clock.now());
    if (fate.kind === 'ended') await table.conclude(job, fate.end, fate.endedAt);
    else if (fate.kind === 'lost') await submitAgain(job);
    else poll.soon();
  }

  /** It was taken out of the queue: what Slurm still has of it cannot run, and is over once it is gone. */
  async function seeOff(job: SlurmJobEntry, mine: readonly Found<SlurmRecord>[], askedAt: number): Promise<void> {
    if (mine.some(({ record }) => phaseOf(record.state) !== 'ended')) {
      if (following.looks() % CANCEL_EVERY === 0) await cancel(job);
    } else if (mine.length > 0 || following.isMissed(job, askedAt)) {
      const end = { outcome: 'canceled', reason: job.stop!, exitCode: null, signal: null } as const;
      await table.conclude(job, end, clock.now());
    }
  }

  /**
   * After a controller lost a job's id Slurm kills what it cannot launch ("Duplicate jobid") and calls it canceled, or
   * runs a script that is not there any more and calls it failed. It had nodes, its wrapper never began, and nobody here
   * asked for it: it may go again, for the claim lets no two of them run.
   */
  async function wasDroppedAtLaunch(job: SlurmJobEntry, records: readonly SlurmRecord[]): Promise<boolean> {
    if (job.stop !== null || job.accepted.order === null || job.native.length >= MOST_SUBMISSIONS) return false;
    if (!records.every((record) => record.hadNodes && wasNotLaunched(record))) return false;
    return (await said(job)).claimedBy.size === 0;
  }

  async function learnIds(job: SlurmJobEntry, mine: readonly Found<SlurmRecord>[]): Promise<void> {
    const ids = new Map(mine.map(({ name, record }) => [name.nonce, record]));
    const isKnown = (nonce: string): boolean =>
      job.native.some((each) => each.nonce === nonce && each.nativeId !== null);
    if ([...ids.keys()].every(isKnown)) return;
    await table.change(job, (now) => {
      const known = now.map((each) => ({ ...each, nativeId: each.nativeId ?? ids.get(each.nonce)?.id ?? null }));
      const strange = [...ids]
        .filter(([nonce]) => !known.some((each) => each.nonce === nonce))
        .map(([nonce, { id, name, submittedAt: at }]): Submission => ({ nonce, name, at: at ?? 0, nativeId: id }));
      return [...strange, ...known];
    });
  }

  /** An answer was lost, and both submissions are there: the one that runs stays, else the first. */
  async function endDuplicates(job: SlurmJobEntry, mine: readonly Found<SlurmRecord>[]): Promise<void> {
    const alive = mine.filter(({ record }) => phaseOf(record.state) !== 'ended');
    if (new Set(alive.map(({ record }) => record.name)).size < 2) return;
    const { claimedBy } = await said(job);
    const stays = (alive.find(({ name }) => claimedBy.has(name.nonce)) ?? alive[0]!).record.name;
    log.warn(`job ${job.text}: Slurm has it more than once; only ${stays} stays, the others never start`);
    const others = new Set(alive.map(({ record }) => record.name).filter((name) => name !== stays));
    for (const name of others) await scancel(job, name);
  }

  async function submitAgain(job: SlurmJobEntry): Promise<void> {
    const { order } = job.accepted;
    job.missing = null;
    if (order === null || job.native.length >= MOST_SUBMISSIONS) {
      const message = `Slurm lost it ${job.native.length} times before it began`;
      const reason: Reason = { code: 'native', message };
      return table.conclude(job, { outcome: 'failed', reason, exitCode: null, signal: null }, clock.now());
    }
    log.warn(
      `job ${job.text}: Slurm has lost or dropped it before it began (its controller was killed?); submitting it again`,
    );
    await submitNatively(job, order).catch((error: unknown) =>
      log.warn(`job ${job.text}: could not be submitted again: ${describe(error)}`),
    );
    poll.soon();
  }

  // ── submitting ────────────────────────────────────────────────────────────────────────────────────────────

  async function submit(order: Order): Promise<string> {
    const text = keyText(order);
    let job = table.jobs.get(text);
    const known = (): string => (job === undefined ? '' : nativeIdOf(job.native));
    if (known() !== '') return known();
    // 1. Can Slurm be told all of it, may this owner, and is there such a thing on this cluster?
    const asked = slurmJobOf(order, containers);
    const user = await users.userOf(order);
    const missing = await missingFor(readJobspec(order.jobspec).request);
    if (missing !== '') throw new RainbowError('failed_precondition', `it does not fit this cluster: ${missing}`);
    // 2. What is there now? After an agent that was killed, sbatch may still be on its way.
    await following.lookBeforeSubmit();
    job = table.jobs.get(text);
    if (known() !== '') return known();
    if (job !== undefined && job.native.length > 0) {
      if ((await namesUnderWay(job.native.map(({ name }) => name))).size > 0) {
        throw new RainbowError('unavailable', 'an earlier sbatch for it still runs: waiting for what becomes of it');
      }
      // It ended before this was asked, so what it did is to be seen.
      await poll.newerThan(poll.now() - 1);
      if (known() !== '') return known();
    }
    // 3. Durable, then native.
    job ??= await table.add(
      {
        jobId: order.jobId,
        epoch: order.epoch,
        order,
        // Slurm's own times are whole seconds: none of them is told earlier than this one.
        acceptedAt: clock.now(),
        user,
        uid: user?.uid ?? ownUid,
        lastTask: lastTaskOf(asked),
        ownOutput: asked.options.some(([option]) => option === 'output' || option === 'error'),
      },
      [],
    );
    try {
      return await submitNatively(job, order);
    } finally {
      poll.soon();
    }
  }

  async function submitNatively(job: SlurmJobEntry, order: Order): Promise<string> {
    const nonce = Buffer.from(system.entropy.bytes(6)).toString('hex');
    const name: NativeName = { jobId: order.jobId, epoch: order.epoch, realm, nonce };
    const { user } = job.accepted;
    // A directory of another user's can only be made as him: there his home has to do.
    const cwd = order.sandbox ?? (user?.by === 'sudo' ? (user.home ?? '/tmp') : join(job.runDir, 'scratch'));
    const where = { cluster, runDir: job.runDir, cwd, containers, limit: await limitToSay(order) };
    const native = nativeSubmission(slurmJobOf(order, containers), order, name, where);
    const submission: Submission = { nonce, name: nativeName(name, order.name), at: clock.now(), nativeId: null };
    await table.change(job, (now) => [...now, submission]);
    await reached('submissionNoted', job.key);
    const answer = await slurm('sbatch', native.args, {
      input: native.script,
      as: job.accepted.user,
      limitMs: SBATCH_MS,
      plain: true,
      started: () => void reached('sbatchStarted', job.key),
    });
    const id = answer.code === 0 ? readJobId(answer.stdout) : null;
    if (id === null) {
      const error = failed('sbatch', answer);
      if (error.code === 'unavailable') throw error;
      // Refused: a record of the refusal may be left in Slurm, which is no job.
      await gone.add([nonce]);
      if (nativeIdOf(job.native) === '') await remove(job);
      throw error;
    }
    await reached('sbatchAnswered', job.key);
    following.wasSubmitted(job);
    await table.change(job, (now) => now.map((each) => (each.nonce === nonce ? { ...each, nativeId: id } : each)));
    for (const watcher of watchers) watcher(table.nativeJobOf(job));
    job.told = JSON.stringify(job.status);
    return id;
  }

  // ── stopping ──────────────────────────────────────────────────────────────────────────────────────────────

  async function cancel(job: SlurmJobEntry): Promise<void> {
    for (const { name } of job.native) await scancel(job, name);
    poll.soon();
  }

  /** By name, never by number: Slurm may have given the number to somebody else's job. */
  async function scancel({ text, accepted }: SlurmJobEntry, name: string): Promise<void> {
    const answer = await slurm('scancel', ['-Q', `--name=${name}`], { as: accepted.user }).catch((error: unknown) => {
      log.warn(`job ${text}: ${describe(error)}`);
      return null;
    });
    if (answer !== null && answer.code !== 0) {
      log.warn(`job ${text}: not canceled yet: ${failed('scancel', answer).message}`);
    }
  }

  async function withdraw(job: SlurmJobEntry, reason: Reason): Promise<boolean> {
    if (withdrawing.has(job) || withdrawn.has(job)) return false;
    if (!canBeWithdrawn(job) || following.isSubmitting(job)) return false;
    withdrawing.add(job);
    try {
      if (!(await claimForNobody(job, reason))) return false;
    } finally {
      withdrawing.delete(job);
    }
    withdrawn.add(job);
    await reached('claimedForNobody', job.key);
    await table.setStop(job, reason);
    return true;
  }

  async function remove(job: SlurmJobEntry): Promise<void> {
    await gone.add(job.native.map(({ nonce }) => nonce));
    await table.remove(job);
  }

  // ── output ────────────────────────────────────────────────────────────────────────────────────────────────

  async function written(job: SlurmJobEntry): Promise<readonly WrittenFile[]> {
    const { accepted, runDir } = job;
    if (accepted.ownOutput && job.paths === null) job.paths = await askPaths(slurm, job);
    if (accepted.ownOutput && job.paths === null) return [];
    return Array.from({ length: accepted.lastTask + 1 }, (_, task) =>
      filesOf(task, job.paths ?? { stdout: join(runDir, `out.${task}`), stderr: join(runDir, `err.${task}`) }),
    ).flat();
  }

  await table.load();
  for (const job of table.jobs.values()) {
    const reason = job.status.state === 'ended' ? null : await withdrawnFor(job);
    if (reason === null) continue;
    withdrawn.add(job);
    await table.setStop(job, reason);
  }
  const { jobcomp, hasAccounting } = await askConfiguration(slurm);
  const stopGlancing = startGlancing(
    () => table.jobs.values(),
    () => poll.soon(),
    system,
  );
  if (users.notice !== null) log.info(users.notice);
  poll.soon();

  return batchRunner(
    {
      table,
      following,
      watchers,
      submit,
      cancel,
      withdraw,
      written,
      uidOf: ({ accepted }) => accepted.uid,
      async ownerOf(order) {
        const user = await users.userOf(order);
        if (user?.by !== 'sudo') return user;
        throw new RainbowError(
          'failed_precondition',
          `files cannot be given to ${user.name}: an agent that submits for others by sudo brings none; one that is started as root does`,
        );
      },
      taken: createBusyTeller(async () => takenVertices(await askNodes(slurm)), cluster, log, system),
      remove,
      closing: stopGlancing,
      queue: createSlurmQueue({ slurm, cluster, realm, users, containers, missingFor }, system),
    },
    system,
  );
}

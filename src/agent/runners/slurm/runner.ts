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
import { RainbowError } from '../../../core/errors.ts';
import type { Reason } from '../../../core/job/state.ts';
import { readJobspec } from '../../../core/jobspec/read.ts';
import type { System } from '../../../system/system.ts';
import { describe, type Log } from '../../log.ts';
import { noHook, type ReachedHook } from '../../sentinels.ts';
import { createTurns } from '../../wait.ts';
import { readWritten, type WrittenFile } from '../process/output.ts';
import { keyText, type JobKey, type NativeJob, type Order, type Runner } from '../runner.ts';
import { askNodes } from './cluster.ts';
import { failed, slurmCommands } from './commands.ts';
import { askConfiguration, askPaths } from './configuration.ts';
import { createFitCheck } from './fits.ts';
import { startGlancing } from './glance.ts';
import { createSlurmJobs, nativeJobOf, type SlurmJobEntry, type Submission } from './jobs.ts';
import { nativeName, readNativeName, type NativeName } from './key.ts';
import { takenVertices } from './nodes.ts';
import { namesUnderWay } from './orphans.ts';
import { createPoll, DEFAULT_PACE, type Pace, type Snapshot } from './poll.ts';
import type { SlurmRecord } from './records.ts';
import { lastTaskOf, nativeSubmission, readJobId, slurmJobOf } from './submit.ts';
import { phaseOf } from './status.ts';
import type { Users } from './users.ts';
import { fateOf } from './vanished.ts';

export interface SlurmRunnerOptions {
  /** Absolute; on the shared file system. */
  readonly spool: string;
  readonly cluster: string;
  /** 8 hexadecimal digits: whose native jobs these are. */
  readonly realm: string;
  readonly users: Users;
  readonly keepFiles: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly reached?: ReachedHook;
  readonly pace?: Pace;
}

/** A snapshot so young answers `find` too. */
const FRESH_MS = 150;
const NODES_FRESH_MS = 100;
/** A cancel is asked for again after so many looks: a controller that was killed may have forgotten the first. */
const CANCEL_EVERY = 4;
const MOST_SUBMISSIONS = 5;
/** sbatch gives up by itself after Slurm's MessageTimeout, and some. */
const SBATCH_MS = 120_000;

export async function createSlurmRunner(options: SlurmRunnerOptions, system: System): Promise<Runner> {
  const { spool, cluster, realm, users, log, reached = noHook } = options;
  const { clock } = system;
  const slurm = slurmCommands(options.environment, system);
  const checkFits = createFitCheck(slurm, cluster, system);
  await mkdir(spool, { recursive: true, mode: 0o711 });
  await chmod(spool, 0o711).catch(() => undefined);
  const watchers = new Set<(job: NativeJob) => void>();
  const inTurn = createTurns();
  /** Submissions of one key come one after the other; those of others do not wait for it. */
  const submitting = new Map<string, Promise<string>>();
  const ownUid = process.getuid?.() ?? -1;
  let isAway = false;
  /** `find` was answered without Slurm: what it did not see may be there. */
  let isBlind = false;
  let looks = 0;

  const table = createSlurmJobs(
    {
      spool,
      keptDir: options.keepFiles ? join(spool, 'kept') : null,
      log,
      changed(job) {
        for (const watcher of watchers) watcher(nativeJobOf(job));
      },
    },
    system,
  );
  const poll = createPoll(
    {
      slurm,
      users: () => users.names(),
      pace: options.pace ?? DEFAULT_PACE,
      isNeeded: () => [...table.jobs.values()].some(({ status }) => status.state !== 'ended'),
      seen: (snapshot) => inTurn(() => takeIn(snapshot)),
      away(error) {
        if (!isAway) log.warn(`cluster ${cluster}: ${describe(error)}; its jobs are as they were, asking again`);
        isAway = true;
      },
    },
    system,
  );

  // ── following ─────────────────────────────────────────────────────────────────────────────────────────────

  async function takeIn({ records, askedAt }: Snapshot): Promise<boolean> {
    if (isAway) log.info(`cluster ${cluster}: Slurm's controller answers again`);
    isAway = false;
    looks++;
    let changed = false;
    const byKey = new Map<string, SlurmRecord[]>();
    const shown = new Set<string>();
    for (const record of records) {
      const name = readNativeName(record.name);
      if (name === null || name.realm !== realm) continue;
      shown.add(name.nonce);
      if (table.gone.has(name.nonce)) continue;
      const there = byKey.get(keyText(name));
      if (there === undefined) byKey.set(keyText(name), [record]);
      else there.push(record);
    }
    await table.prune(shown);
    for (const [key, mine] of byKey) if (!table.jobs.has(key)) await adopt(mine);
    for (const job of table.jobs.values()) {
      if (job.status.state === 'ended') continue;
      const before = job.told;
      await follow(job, byKey.get(job.text) ?? [], askedAt);
      changed ||= job.told !== before;
    }
    return changed;
  }

  /** A native job of ours of which no directory is here: the state directory was lost. */
  async function adopt(records: readonly SlurmRecord[]): Promise<void> {
    const [first] = records;
    const name = readNativeName(first!.name)!;
    log.warn(`job ${keyText(name)}: found in Slurm as ${first!.id}, not in ${spool}; its output cannot be had`);
    const { jobId, epoch } = name;
    const at = first!.submittedAt ?? clock.now();
    await table.add(
      { jobId, epoch, order: null, acceptedAt: at, user: null, uid: ownUid, lastTask: 0, ownOutput: false },
      [{ nonce: name.nonce, name: first!.name, at, nativeId: first!.id }],
    );
  }

  async function follow(job: SlurmJobEntry, all: readonly SlurmRecord[], askedAt: number): Promise<void> {
    await learnIds(job, all);
    await endDuplicates(job, all);
    const records = await table.relevant(job, all);
    if (records.length > 0) {
      job.missing = null;
      if (await wasDroppedAtLaunch(job, records)) return submitAgain(job);
      await table.refresh(job, records);
      if (job.stop !== null && job.status.state !== 'ended' && looks % CANCEL_EVERY === 0) await cancel(job);
      return;
    }
    // Not submitted yet, or after this was asked.
    if (submitting.has(job.text) || !job.submissions.some(({ nativeId }) => nativeId !== null)) return;
    if ((submittedAt.get(job.text) ?? -1) >= askedAt) return;
    job.missing ??= { since: clock.now(), times: 0 };
    job.missing.times++;
    const fate = await fateOf(job, await table.taskEnds(job), { slurm, jobcomp, hasAccounting }, clock.now());
    if (fate.kind === 'ended') await table.conclude(job, fate.end, fate.endedAt);
    else if (fate.kind === 'lost') await submitAgain(job);
    else poll.soon();
  }
  /**
   * Slurm kills what it cannot launch (after a controller lost a job's id: "Duplicate jobid") and calls it canceled. It
   * had nodes, it never began, and nobody here asked for it: it may go again, for the claim lets no two of them run.
   */
  async function wasDroppedAtLaunch(job: SlurmJobEntry, records: readonly SlurmRecord[]): Promise<boolean> {
    if (job.stop !== null || job.accepted.order === null || job.submissions.length >= MOST_SUBMISSIONS) return false;
    if (!records.every(({ state, hadNodes }) => state === 'CANCELLED' && hadNodes)) return false;
    return (await table.taskEnds(job)).claimedBy.size === 0;
  }
  /** When sbatch answered, monotonic. */
  const submittedAt = new Map<string, number>();

  async function learnIds(job: SlurmJobEntry, records: readonly SlurmRecord[]): Promise<void> {
    const ids = new Map(records.map((record) => [readNativeName(record.name)?.nonce ?? '', record]));
    const unknown = [...ids.keys()].some(
      (nonce) => (job.submissions.find((each) => each.nonce === nonce)?.nativeId ?? null) === null,
    );
    if (!unknown) return;
    await table.changeSubmissions(job, (now) => {
      const known = now.map((each) => ({ ...each, nativeId: each.nativeId ?? ids.get(each.nonce)?.id ?? null }));
      const strange = [...ids]
        .filter(([nonce]) => !known.some((each) => each.nonce === nonce))
        .map(([nonce, { id, name, submittedAt: at }]): Submission => ({ nonce, name, at: at ?? 0, nativeId: id }));
      return [...strange, ...known];
    });
  }

  /** An answer was lost, and both submissions are there: the one that runs stays, else the first. */
  async function endDuplicates(job: SlurmJobEntry, records: readonly SlurmRecord[]): Promise<void> {
    const alive = [...new Set(records.filter(({ state }) => phaseOf(state) !== 'ended').map(({ name }) => name))];
    if (alive.length < 2) return;
    const { claimedBy } = await table.taskEnds(job);
    const stays = alive.find((name) => claimedBy.has(readNativeName(name)?.nonce ?? '')) ?? alive[0];
    log.warn(`job ${job.text}: Slurm has it ${alive.length} times; only ${stays} stays, the others never start`);
    for (const name of alive) if (name !== stays) await scancel(job, name);
  }

  async function submitAgain(job: SlurmJobEntry): Promise<void> {
    const { order } = job.accepted;
    job.missing = null;
    if (order === null || job.submissions.length >= MOST_SUBMISSIONS) {
      const message = `Slurm lost it ${job.submissions.length} times before it began`;
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
    const known = (): string => (job === undefined ? '' : nativeJobOf(job).nativeId);
    if (known() !== '') return known();
    // 1. Can Slurm be told all of it, may this owner, and is there such a thing on this cluster?
    const asked = slurmJobOf(order);
    const user = await users.userOf(order);
    await checkFits(readJobspec(order.jobspec).request);
    // 2. What is there now? After an agent that was killed, sbatch may still be on its way.
    const since = poll.now();
    const wasBlind = isBlind;
    await poll.newerThan(since - FRESH_MS);
    isBlind = false;
    if (wasBlind)
      throw new RainbowError('unavailable', 'Slurm answers again: looking for native jobs of this id first');
    job = table.jobs.get(text);
    if (known() !== '') return known();
    if (job !== undefined && job.submissions.length > 0) {
      const names = new Set(job.submissions.map(({ name }) => name));
      if ((await namesUnderWay(names)).size > 0) {
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
        // Slurm's own times are whole seconds.
        acceptedAt: Math.floor(clock.now() / 1000) * 1000,
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
    const native = nativeSubmission(slurmJobOf(order), order, name, { cluster, runDir: job.runDir, cwd });
    const submission: Submission = { nonce, name: nativeName(name, order.name), at: clock.now(), nativeId: null };
    await table.changeSubmissions(job, (now) => [...now, submission]);
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
      await table.overlook([nonce]);
      if (job.submissions.every((each) => each.nativeId === null)) await table.remove(job);
      throw error;
    }
    await reached('sbatchAnswered', job.key);
    submittedAt.set(job.text, poll.now());
    await table.changeSubmissions(job, (now) =>
      now.map((each) => (each.nonce === nonce ? { ...each, nativeId: id } : each)),
    );
    for (const watcher of watchers) watcher(nativeJobOf(job));
    job.told = JSON.stringify(job.status);
    return id;
  }

  // ── stopping ──────────────────────────────────────────────────────────────────────────────────────────────

  async function cancel(job: SlurmJobEntry): Promise<void> {
    for (const { name } of job.submissions) await scancel(job, name);
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

  // ── what is free ──────────────────────────────────────────────────────────────────────────────────────────

  let nodes: { readonly at: number; readonly answer: ReturnType<typeof askNodes> } | null = null;
  const nodesNow = (): ReturnType<typeof askNodes> => {
    if (nodes === null || clock.monotonic() - nodes.at > NODES_FRESH_MS) {
      const answer = askNodes(slurm);
      answer.catch(() => undefined);
      nodes = { at: clock.monotonic(), answer };
    }
    return nodes.answer;
  };
  let lastBusy: Awaited<ReturnType<Runner['busy']>> = { vertices: [], includes: [] };

  // ── output ────────────────────────────────────────────────────────────────────────────────────────────────

  async function writtenBy(job: SlurmJobEntry): Promise<readonly WrittenFile[]> {
    const { accepted, runDir } = job;
    if (accepted.ownOutput && job.outputPaths === null) job.outputPaths = await askPaths(slurm, job);
    if (accepted.ownOutput && job.outputPaths === null) return [];
    const files: WrittenFile[] = [];
    for (let task = 0; task <= accepted.lastTask; task++) {
      const { stdout, stderr } = job.outputPaths ?? {
        stdout: join(runDir, `out.${task}`),
        stderr: join(runDir, `err.${task}`),
      };
      files.push({ task, stream: 'stdout', path: stdout });
      if (stderr !== stdout) files.push({ task, stream: 'stderr', path: stderr });
    }
    return files;
  }

  await table.load();
  const { jobcomp, hasAccounting } = await askConfiguration(slurm);
  const stopGlancing = startGlancing(
    () => table.jobs.values(),
    () => poll.soon(),
    system,
  );
  if (users.notice !== null) log.info(users.notice);
  poll.soon();

  return {
    async ownerOf(order) {
      const user = await users.userOf(order);
      if (user?.by !== 'sudo') return user;
      throw new RainbowError(
        'failed_precondition',
        `files cannot be given to ${user.name}: an agent that submits for others by sudo brings none; one that is started as root does`,
      );
    },
    async find() {
      try {
        await poll.newerThan(poll.now() - FRESH_MS);
      } catch {
        isBlind = true;
      }
      return [...table.jobs.values()]
        .map(nativeJobOf)
        .filter(({ nativeId, status }) => nativeId !== '' || status.state === 'ended');
    },
    submit(order) {
      const text = keyText(order);
      const under = submitting.get(text);
      if (under !== undefined) return under;
      const mine = submit(order).finally(() => submitting.delete(text));
      submitting.set(text, mine);
      return mine;
    },
    async stop(key, reason) {
      const job = table.jobs.get(keyText(key));
      if (job === undefined) return;
      await inTurn(async () => {
        if (job.status.state !== 'ended') await table.setStop(job, reason);
      });
      if (job.status.state !== 'ended') await cancel(job);
    },
    watch(changed) {
      watchers.add(changed);
      for (const job of table.jobs.values()) {
        const native = nativeJobOf(job);
        if (native.nativeId !== '') changed(native);
      }
      return () => void watchers.delete(changed);
    },
    async output(key, from, limit) {
      const job = table.jobs.get(keyText(key));
      if (job === undefined || job.accepted.order === null) return { pieces: [], complete: true };
      const ended = job.status.state === 'ended';
      return readWritten(await writtenBy(job), job.accepted.uid, from, limit, ended, clock.now());
    },
    async busy() {
      const running = [...table.jobs.values()].filter(({ status }) => status.state === 'running');
      const includes = running.map((job): JobKey => job.key);
      try {
        lastBusy = { vertices: takenVertices(await nodesNow()), includes };
      } catch (error) {
        // As it was: nothing is said of a cluster that cannot be asked.
        log.warn(`cluster ${cluster}: what is free cannot be asked now: ${describe(error)}`);
      }
      return lastBusy;
    },
    forget: (key) =>
      inTurn(async () => {
        const job = table.jobs.get(keyText(key));
        if (job === undefined || job.status.state !== 'ended') return;
        submittedAt.delete(job.text);
        await table.remove(job);
      }),
    async close() {
      stopGlancing();
      poll.close();
      watchers.clear();
      await inTurn(async () => undefined);
    },
  };
}

/**
 * The flux runner: jobs go into Flux's own queue as RFC 25 jobspecs, by its own commands, and are followed by its
 * journal and its list of jobs. Its key is in a job's name and its `attributes.user.rainbow` (key.ts).
 *
 * A job is submitted held (urgency 0), its id is written down, and only then it is let go. So whatever is lost on the
 * way, an answer, an agent, at most one native job of a key can ever run: the one whose id is on disk. Any other is
 * found by its name, held still, and canceled.
 *
 * Invariants: an answer of Flux counts for what was submitted before it was asked; an instance that is away ends no
 * job; once an id is chosen nothing is submitted for that key again.
 * Where it stops: the spool must be on a file system that the nodes share; one user for all jobs.
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
import type { JobUser } from '../process/user.ts';
import { keyText, type JobKey, type NativeJob, type Order, type Runner } from '../runner.ts';
import { askCluster } from './cluster.ts';
import { environmentFor, failed, fluxCommands } from './commands.ts';
import { createFitCheck } from './fits.ts';
import { likeliest, oursAmong, wasReleased, type Found } from './found.ts';
import { readJobId } from './id.ts';
import { createBusyTeller } from './busy.ts';
import { askInstance, type Instance } from './instance.ts';
import { createFluxJobs, nativeJobOf, type FluxJobEntry } from './jobs.ts';
import { followJournal } from './journal.ts';
import type { NativeName } from './key.ts';
import { noncesUnderWay } from './orphans.ts';
import { createPoll, DEFAULT_PACE, type Pace, type Snapshot } from './poll.ts';
import { phaseOf } from './status.ts';
import { fluxJobOf, nativeJobspec, urgencyOf } from './submit.ts';
import { endOfVanished, LOST_LOOKS, LOST_MS } from './vanished.ts';

export interface FluxRunnerOptions {
  /** Absolute; on the shared file system. */
  readonly spool: string;
  readonly cluster: string;
  /** 8 hexadecimal digits: whose native jobs these are. */
  readonly realm: string;
  readonly user: JobUser;
  readonly keepFiles: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly reached?: ReachedHook;
  readonly pace?: Pace;
}

/** A snapshot so young answers `find` too. */
const FRESH_MS = 150;
/** A cancel is asked for again after so many looks. */
const CANCEL_EVERY = 4;
const SUBMIT_MS = 120_000;

export async function createFluxRunner(options: FluxRunnerOptions, system: System): Promise<Runner> {
  const { spool, cluster, realm, user, log, reached = noHook } = options;
  const { clock } = system;
  const flux = fluxCommands(options.environment, user, system);
  const checkFits = createFitCheck(() => askCluster(flux, cluster), cluster, system);
  const jobEnvironment = Object.fromEntries(
    Object.entries(environmentFor(options.environment, user)).filter(([name]) => !name.startsWith('FLUX_')),
  );
  await mkdir(spool, { recursive: true, mode: 0o711 });
  await chmod(spool, 0o711).catch(() => undefined);
  const watchers = new Set<(job: NativeJob) => void>();
  const inTurn = createTurns();
  /** Submissions of one key come one after the other; those of others do not wait for it. */
  const submitting = new Map<string, Promise<string>>();
  /** When `flux job submit` answered, monotonic. */
  const submittedAt = new Map<string, number>();
  let isAway = false;
  /** `find` was answered without Flux: what it did not see may be there. */
  let isBlind = false;
  let looks = 0;

  const table = createFluxJobs(
    {
      spool,
      user,
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
      flux,
      pace: options.pace ?? DEFAULT_PACE,
      isNeeded: () => [...table.jobs.values()].some(({ status }) => status.state !== 'ended'),
      seen: (snapshot) => inTurn(() => takeIn(snapshot)),
      away(error) {
        if (!isAway) log.warn(`cluster ${cluster}: ${describe(error)}; its jobs are as they were, asking again`);
        isAway = true;
        instance = null;
      },
    },
    system,
  );

  let instance: Promise<Instance> | null = null;
  const instanceNow = (): Promise<Instance> => {
    instance ??= askInstance(flux, user.uid).catch((error: unknown) => {
      instance = null;
      throw error;
    });
    return instance;
  };

  // ── following ─────────────────────────────────────────────────────────────────────────────────────────────

  async function takeIn({ records, askedAt }: Snapshot): Promise<boolean> {
    if (isAway) log.info(`cluster ${cluster}: Flux answers again`);
    isAway = false;
    looks++;
    const byKey = oursAmong(records, realm);
    for (const [key, mine] of byKey) if (!table.jobs.has(key)) await takeStrange(mine);
    await table.settle();
    let changed = false;
    for (const job of table.jobs.values()) {
      if (job.status.state === 'ended') continue;
      const before = job.told;
      await follow(job, byKey.get(job.text) ?? [], askedAt);
      changed ||= job.told !== before;
    }
    return changed;
  }

  /**
   * Native jobs of ours of which no directory is here. Where nothing ever was, the state directory was lost: they are
   * adopted. Else they are forgotten ones that ended, or a submission of which nobody learned: that was never let go.
   */
  async function takeStrange(mine: readonly Found[]): Promise<void> {
    const alive = mine.filter(({ record }) => phaseOf(record.state) !== 'ended');
    const { name, record } = likeliest(mine);
    const isReleased = wasReleased(record);
    if (!table.isFresh && !isReleased) {
      for (const each of alive) await raise(each.record.id, 'nobody knows of it');
      return;
    }
    if (!table.isFresh && alive.length === 0) return;
    log.warn(`job ${keyText(name)}: found in Flux as ${record.id}, not in ${spool}; its output cannot be had`);
    const { jobId, epoch, nonce } = name;
    await table.add(
      { jobId, epoch, order: null, acceptedAt: record.submittedAt ?? clock.now() },
      {
        submissions: [nonce],
        chosen: { nonce, id: record.id },
        isReleased,
        instance: '',
      },
    );
  }

  async function follow(job: FluxJobEntry, mine: readonly Found[], askedAt: number): Promise<void> {
    if (job.native.chosen === null) {
      // While it is being submitted, that answer is waited for.
      if (mine.length === 0 || submitting.has(job.text)) return;
      await choose(job, mine);
    }
    const { chosen } = job.native;
    for (const { name, record } of mine) {
      if (name.nonce === chosen!.nonce || phaseOf(record.state) === 'ended') continue;
      log.warn(`job ${job.text}: ${record.id} is a second submission of it, which never ran: canceled`);
      await raise(record.id, 'submitted twice');
    }
    const found = mine.find(({ name }) => name.nonce === chosen!.nonce);
    if (found === undefined) return missed(job, askedAt);
    job.missing = null;
    if (phaseOf(found.record.state) !== 'ended' && !submitting.has(job.text)) {
      if (job.stop !== null) {
        if (looks % CANCEL_EVERY === 0) await cancel(job);
      } else if (!job.native.isReleased) await release(job);
    }
    await table.refresh(job, found.record);
  }

  async function missed(job: FluxJobEntry, askedAt: number): Promise<void> {
    // Not submitted yet, or after this was asked.
    if (submitting.has(job.text) || (submittedAt.get(job.text) ?? -1) >= askedAt) return;
    job.missing ??= { since: clock.now(), times: 0 };
    job.missing.times++;
    if (job.missing.times < LOST_LOOKS || clock.now() < job.missing.since + LOST_MS) return poll.soon();
    const { id } = await askInstance(flux, user.uid);
    const hasStarted = job.status.startedAt !== null;
    const end = endOfVanished({ instance: job.native.instance, now: id, hasStarted, stop: job.stop });
    await table.conclude(job, end, clock.now());
  }

  // ── submitting ────────────────────────────────────────────────────────────────────────────────────────────

  async function submit(order: Order): Promise<string> {
    const text = keyText(order);
    let job = table.jobs.get(text);
    const known = (): string => job?.native.chosen?.id ?? '';
    if (known() !== '') return known();
    // 1. Can Flux be told all of it, and is there such a thing on this cluster?
    fluxJobOf(order);
    await checkFits(readJobspec(order.jobspec).request);
    // 2. What is there now? After an agent that was killed, a submission may still be on its way.
    const wasBlind = isBlind;
    await poll.newerThan(poll.now() - FRESH_MS);
    isBlind = false;
    if (wasBlind) throw new RainbowError('unavailable', 'Flux answers again: looking for native jobs of this id first');
    job = table.jobs.get(text);
    if (job !== undefined && job.native.submissions.length > 0 && known() === '') {
      if ((await noncesUnderWay(job.native.submissions)).size > 0) {
        throw new RainbowError('unavailable', 'an earlier submission of it still runs: waiting for what becomes of it');
      }
      // It ended before this was asked, so what it did is to be seen.
      const mine = oursAmong((await poll.newerThan(poll.now() - 1)).records, realm).get(text) ?? [];
      await inTurn(() => choose(job!, mine));
    }
    if (known() !== '') return finish(job!);
    // 3. Durable, then native.
    job ??= await table.add(
      { jobId: order.jobId, epoch: order.epoch, order, acceptedAt: clock.now() },
      { submissions: [], chosen: null, isReleased: false, instance: '' },
    );
    return submitNatively(job, order);
  }

  /** An earlier submission did arrive after all. */
  async function choose(job: FluxJobEntry, mine: readonly Found[]): Promise<void> {
    if (job.native.chosen !== null || mine.length === 0) return;
    const { name, record } = likeliest(mine);
    await table.setNative(job, { ...job.native, chosen: { nonce: name.nonce, id: record.id } });
  }

  async function submitNatively(job: FluxJobEntry, order: Order): Promise<string> {
    const nonce = Buffer.from(system.entropy.bytes(6)).toString('hex');
    const name: NativeName = { jobId: order.jobId, epoch: order.epoch, realm, nonce };
    const where = { cluster, runDir: job.runDir, environment: jobEnvironment };
    const path = await table.keepJobspec(job, nonce, nativeJobspec(fluxJobOf(order), order, name, where));
    const { id: uuid } = await instanceNow();
    await table.setNative(job, { ...job.native, submissions: [...job.native.submissions, nonce], instance: uuid });
    await reached('submissionNoted', job.key);
    const answer = await flux.ask(['job', 'submit', '-u', '0', path], {
      limitMs: SUBMIT_MS,
      started: () => void reached('submitStarted', job.key),
    });
    const id = answer.code === 0 ? readJobId(answer.stdout) : null;
    if (id === null) {
      const error = failed('flux job submit', answer);
      if (error.code !== 'unavailable' && job.native.submissions.length === 1) await table.remove(job);
      throw error;
    }
    await reached('submitAnswered', job.key);
    submittedAt.set(job.text, poll.now());
    await table.setNative(job, { ...job.native, chosen: { nonce, id } });
    await reached('idNoted', job.key);
    return finish(job);
  }

  /** The job is in the queue and its id on disk: from here on it may run. */
  async function finish(job: FluxJobEntry): Promise<string> {
    if (job.stop !== null) await cancel(job);
    else if (!job.native.isReleased) await release(job);
    for (const watcher of watchers) watcher(nativeJobOf(job));
    job.told = JSON.stringify(job.status);
    poll.soon();
    return job.native.chosen!.id;
  }

  async function release(job: FluxJobEntry): Promise<void> {
    const { order } = job.accepted;
    const { id } = job.native.chosen!;
    try {
      const { isOwner } = await instanceNow();
      const urgency = order === null ? 16 : urgencyOf(fluxJobOf(order), order.priority, isOwner);
      if (urgency > 0) {
        const answer = await flux.ask(['job', 'urgency', id, String(urgency)]);
        if (answer.code !== 0) throw failed(`flux job urgency ${id}`, answer);
        await reached('released', job.key);
      }
      await table.setNative(job, { ...job.native, isReleased: true });
    } catch (error) {
      // The next look tries again.
      log.warn(`job ${job.text}: in Flux as ${id}, held still: ${describe(error)}`);
    }
  }

  // ── stopping ──────────────────────────────────────────────────────────────────────────────────────────────

  async function cancel(job: FluxJobEntry): Promise<void> {
    const { chosen } = job.native;
    // Where it is missing, its id may be another job's in another instance.
    if (chosen !== null && job.missing === null) await raise(chosen.id, job.stop?.message ?? '');
    poll.soon();
  }

  async function raise(id: string, why: string): Promise<void> {
    const note = why === '' ? [] : ['-m', why.replaceAll(/\s+/g, ' ').slice(0, 200)];
    const answer = await flux
      .ask(['job', 'raise', '-t', 'cancel', '-s', '0', ...note, id])
      .catch((error: unknown) => ({ code: 1, stdout: '', stderr: describe(error) }));
    if (answer.code === 0 || /inactive|unknown/.test(answer.stderr)) return;
    log.warn(`${id}: not canceled yet: ${failed('flux job raise', answer).message}`);
  }

  // ── output ────────────────────────────────────────────────────────────────────────────────────────────────

  async function writtenBy(job: FluxJobEntry): Promise<readonly WrittenFile[]> {
    const paths = await table.pathsOf(job);
    if (paths === null) return [];
    const files: WrittenFile[] = [{ task: 0, stream: 'stdout', path: paths.stdout }];
    if (paths.stderr !== paths.stdout) files.push({ task: 0, stream: 'stderr', path: paths.stderr });
    return files;
  }

  const busyNow = createBusyTeller(flux, cluster, log, system);
  await table.load();
  const stopJournal = followJournal(flux, () => poll.soon(), log, system);
  poll.soon();

  return {
    ownerOf: async () => (user.switched ? { uid: user.uid, gid: user.gid } : null),
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
    async stop(key, reason: Reason) {
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
      return readWritten(await writtenBy(job), user.uid, from, limit, ended, clock.now());
    },
    async busy() {
      const running = [...table.jobs.values()].filter(({ status }) => status.state === 'running');
      const includes = running.map((job): JobKey => job.key);
      return { vertices: await busyNow(), includes };
    },
    forget: (key) =>
      inTurn(async () => {
        const job = table.jobs.get(keyText(key));
        if (job === undefined || job.status.state !== 'ended') return;
        submittedAt.delete(job.text);
        await table.remove(job);
      }),
    async close() {
      stopJournal();
      poll.close();
      watchers.clear();
      await inTurn(async () => undefined);
    },
  };
}

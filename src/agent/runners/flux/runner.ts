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
import { NO_CONTAINERS } from '../../../core/containers/run.ts';
import { RainbowError } from '../../../core/errors.ts';
import type { Reason } from '../../../core/job/state.ts';
import { readJobspec } from '../../../core/jobspec/read.ts';
import { fluxJob } from '../../../core/translate/render/flux-job.ts';
import type { System } from '../../../system/system.ts';
import { describe } from '../../log.ts';
import { noHook } from '../../sentinels.ts';
import { createBusyTeller } from '../batch/busy.ts';
import { createFitCheck } from '../batch/fits.ts';
import { createFollowing } from '../batch/following.ts';
import { createJobTable, type Accepted } from '../batch/jobs.ts';
import { oursAmong, type NativeName } from '../batch/key.ts';
import type { Pace } from '../batch/poll.ts';
import { batchRunner, filesOf, type BatchRunnerOptions } from '../batch/runner.ts';
import { readOwnJson, writeDurably } from '../process/files.ts';
import type { JobUser } from '../process/user.ts';
import { keyText, type JobKey, type NativeJob, type Order, type Runner } from '../runner.ts';
import { askCluster, askResources } from './cluster.ts';
import { environmentFor, failed, fluxCommands, isRefusal } from './commands.ts';
import { likeliest, wasReleased, type Found } from './found.ts';
import { readJobId } from './id.ts';
import { askInstance, type Instance } from './instance.ts';
import { keepJobspec, makeRunDir, NO_NATIVE, pathsOf, refresh, type FluxJobEntry, type Native } from './jobs.ts';
import { followJournal } from './journal.ts';
import { readNativeName } from './key.ts';
import { createLook } from './look.ts';
import { takenVertices } from './nodes.ts';
import { noncesUnderWay } from './orphans.ts';
import { createFluxQueue } from './queue.ts';
import { readJobList, type FluxRecord } from './records.ts';
import { phaseOf } from './status.ts';
import { fluxJobOf, nativeJobspec, urgencyOf } from './submit.ts';
import { createLimitWhereNone } from './time-limit.ts';
import { endOfVanished, LOST_LOOKS, LOST_MS } from './vanished.ts';

export interface FluxRunnerOptions extends BatchRunnerOptions {
  readonly user: JobUser;
}

const PACE: Pace = { least: 250, most: 10_000 };
/** A cancel is asked for again after so many looks. */
const CANCEL_EVERY = 4;
const SUBMIT_MS = 120_000;

export async function createFluxRunner(options: FluxRunnerOptions, system: System): Promise<Runner> {
  const { spool, cluster, realm, user, log, reached = noHook, containers = NO_CONTAINERS } = options;
  const { clock } = system;
  const flux = fluxCommands(options.environment, user, system);
  const missingFor = createFitCheck(() => askCluster(flux, cluster), cluster, system);
  const limitWhereNone = createLimitWhereNone(flux, clock);
  const jobEnvironment = Object.fromEntries(
    Object.entries(environmentFor(options.environment, user)).filter(([name]) => !name.startsWith('FLUX_')),
  );
  await mkdir(spool, { recursive: true, mode: 0o711 });
  await chmod(spool, 0o711).catch(() => undefined);
  const watchers = new Set<(native: NativeJob) => void>();

  const table = createJobTable<Accepted, Native>({
    spool,
    keptDir: options.keepFiles ? join(spool, 'kept') : null,
    log,
    changed: (native) => watchers.forEach((watcher) => watcher(native)),
    noNative: NO_NATIVE,
    nativeId: ({ chosen }) => chosen?.id ?? '',
    makeRunDir: (dir) => makeRunDir(dir, user),
  });
  const following = createFollowing<Accepted, Native, FluxRecord>(
    {
      table,
      scheduler: 'Flux',
      cluster,
      pace: options.pace ?? PACE,
      log,
      look: createLook(flux),
      ours: async (records) => oursAmong(records, realm, readNativeName),
      strange: takeStrange,
      settled: settle,
      follow,
      away: () => (instance = null),
    },
    system,
  );
  const { poll } = following;

  let instance: Promise<Instance> | null = null;
  const instanceNow = (): Promise<Instance> => {
    instance ??= askInstance(flux, user.uid).catch((error: unknown) => {
      instance = null;
      throw error;
    });
    return instance;
  };

  // ── following ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Where it is missing, nothing was ever kept here: native jobs may be of a state directory that was lost. */
  const mark = join(spool, '.settled');
  let isFresh = (await readOwnJson<object>(mark)) === null;
  /** What there was has been found: from now on, what is not here is not ours. */
  async function settle(): Promise<void> {
    if (!isFresh) return;
    await writeDurably(mark, '{}');
    isFresh = false;
  }

  /**
   * Native jobs of ours of which no directory is here. Where nothing ever was, the state directory was lost: they are
   * adopted. Else they are forgotten ones that ended, or a submission of which nobody learned: that was never let go.
   */
  async function takeStrange(mine: readonly Found[]): Promise<void> {
    const alive = mine.filter(({ record }) => phaseOf(record.state) !== 'ended');
    const { name, record } = likeliest(mine);
    const isReleased = wasReleased(record);
    if (!isFresh && !isReleased) {
      for (const each of alive) await raise(each.record.id, 'nobody knows of it');
      return;
    }
    if (!isFresh && alive.length === 0) return;
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
      if (mine.length === 0 || following.isSubmitting(job)) return;
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
    if (phaseOf(found.record.state) !== 'ended' && !following.isSubmitting(job)) {
      if (job.stop !== null) {
        if (following.looks() % CANCEL_EVERY === 0) await cancel(job);
      } else if (!job.native.isReleased) await release(job);
    }
    await refresh(table, job, found.record, system);
  }

  async function missed(job: FluxJobEntry, askedAt: number): Promise<void> {
    if (!following.isMissed(job, askedAt) || job.missing === null) return;
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
    // 1. What became of it before? After an agent that was killed, a submission may still be on its way: not even a
    // refusal is said before that is known.
    if (await arrived(order)) return finish(job!);
    // 2. Can Flux be told all of it, and is there such a thing on this cluster?
    await checkAcceptable(order).catch(async (error: unknown) => {
      if (job !== undefined && error instanceof RainbowError && error.code !== 'unavailable') await table.remove(job);
      throw error;
    });
    // 3. What is there now?
    await following.lookBeforeSubmit(order);
    job = table.jobs.get(text);
    if (known() !== '') return finish(job!);
    // 4. Durable, then native.
    job ??= await table.add({ jobId: order.jobId, epoch: order.epoch, order, acceptedAt: clock.now() }, NO_NATIVE);
    return submitNatively(job, order);
  }

  /** Throws RainbowError where it is refused here. */
  async function checkAcceptable(order: Order): Promise<void> {
    fluxJobOf(order, containers);
    const missing = await missingFor(readJobspec(order.jobspec).request);
    if (missing !== '') throw new RainbowError('failed_precondition', `it does not fit this cluster: ${missing}`);
  }

  /** As runner.ts has it. */
  async function arrived(key: JobKey): Promise<boolean> {
    const text = keyText(key);
    const job = table.jobs.get(text);
    if (job === undefined || job.native.submissions.length === 0) return false;
    if (job.native.chosen !== null) return true;
    const isUnderWay = async (): Promise<boolean> => (await noncesUnderWay(job.native.submissions)).size > 0;
    return following.arrived(key, isUnderWay, async (records) => {
      const mine = oursAmong(records, realm, readNativeName).get(text) ?? [];
      await following.inTurn(() => choose(job, mine));
      return job.native.chosen !== null;
    });
  }

  /** An earlier submission did arrive after all. */
  async function choose(job: FluxJobEntry, mine: readonly Found[]): Promise<void> {
    if (job.native.chosen !== null || mine.length === 0) return;
    const { name, record } = likeliest(mine);
    await table.change(job, (now) => ({ ...now, chosen: now.chosen ?? { nonce: name.nonce, id: record.id } }));
  }

  async function submitNatively(job: FluxJobEntry, order: Order): Promise<string> {
    const nonce = Buffer.from(system.entropy.bytes(6)).toString('hex');
    const name: NativeName = { jobId: order.jobId, epoch: order.epoch, realm, nonce };
    const limit = await limitWhereNone(order);
    const where = { cluster, runDir: job.runDir, environment: jobEnvironment, containers, limit };
    const path = await keepJobspec(job, nonce, nativeJobspec(fluxJobOf(order, containers), order, name, where), user);
    const { id: uuid } = await instanceNow();
    await table.change(job, (now) => ({ ...now, submissions: [...now.submissions, nonce], instance: uuid }));
    await reached('submissionNoted', job.key);
    const answer = await flux.ask(['job', 'submit', '-u', '0', path], {
      limitMs: SUBMIT_MS,
      started: () => void reached('submitStarted', job.key),
    });
    const id = answer.code === 0 ? readJobId(answer.stdout) : null;
    if (id === null) {
      const error = failed('flux job submit', answer);
      if (error.code === 'unavailable') throw error;
      // Other words may stand for anything: Flux may have it all the same.
      if (!isRefusal(answer) && (await arrived(job.key))) return finish(job);
      await table.remove(job);
      throw error;
    }
    await reached('submitAnswered', job.key);
    following.wasSubmitted(job);
    await table.change(job, (now) => ({ ...now, chosen: now.chosen ?? { nonce, id } }));
    await reached('idNoted', job.key);
    return finish(job);
  }

  /** The job is in the queue and its id on disk: from here on it may run. */
  async function finish(job: FluxJobEntry): Promise<string> {
    if (job.stop !== null) await cancel(job);
    else if (!job.native.isReleased) await release(job);
    for (const watcher of watchers) watcher(table.nativeJobOf(job));
    job.told = JSON.stringify(job.status);
    poll.soon();
    return job.native.chosen!.id;
  }

  async function release(job: FluxJobEntry): Promise<void> {
    const { order } = job.accepted;
    const { id } = job.native.chosen!;
    try {
      const { isOwner } = await instanceNow();
      const urgency = order === null ? 16 : urgencyOf(fluxJob(order.jobspec), order.priority, isOwner);
      if (urgency > 0) {
        const answer = await flux.ask(['job', 'urgency', id, String(urgency)]);
        if (answer.code !== 0) throw failed(`flux job urgency ${id}`, answer);
        await reached('released', job.key);
      }
      await table.change(job, (now) => ({ ...now, isReleased: true }));
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

  /**
   * Held first: that is refused once it has resources. An agent that is killed in between lets it go again. Should Flux be
   * about to give it resources at this very moment, it is canceled in its first second, and its end says that it began.
   */
  async function withdraw(job: FluxJobEntry, reason: Reason): Promise<boolean> {
    const { chosen, isReleased } = job.native;
    const waits = job.status.state === 'accepted' && job.stop === null && job.accepted.order !== null;
    if (!waits || chosen === null || !isReleased || following.isSubmitting(job)) return false;
    await table.change(job, (now) => ({ ...now, isReleased: false }));
    await reached('heldAgain', job.key);
    const held = await flux.ask(['job', 'urgency', chosen.id, '0']);
    const listed = held.code === 0 ? await flux.ask(['job', 'list-ids', chosen.id]) : null;
    const [record] = listed === null ? [] : readJobList(listed.stdout);
    if (record === undefined || phaseOf(record.state) !== 'waiting') {
      await table.change(job, (now) => ({ ...now, isReleased: true }));
      poll.soon();
      return false;
    }
    await table.setStop(job, reason);
    return true;
  }

  async function raise(id: string, why: string): Promise<void> {
    const note = why === '' ? [] : ['-m', why.replaceAll(/\s+/g, ' ').slice(0, 200)];
    const answer = await flux
      .ask(['job', 'raise', '-t', 'cancel', '-s', '0', ...note, id])
      .catch((error: unknown) => ({ code: 1, stdout: '', stderr: describe(error) }));
    if (answer.code === 0 || /inactive|unknown/.test(answer.stderr)) return;
    log.warn(`${id}: not canceled yet: ${failed('flux job raise', answer).message}`);
  }

  await table.load();
  const stopJournal = followJournal(flux, () => poll.soon(), log, system);
  poll.soon();

  return batchRunner(
    {
      table,
      following,
      watchers,
      submit,
      arrived,
      cancel,
      withdraw,
      async written(job) {
        const paths = await pathsOf(job);
        return paths === null ? [] : filesOf(0, paths);
      },
      uidOf: () => user.uid,
      ownerOf: async () => (user.switched ? { uid: user.uid, gid: user.gid } : null),
      taken: createBusyTeller(async () => takenVertices(await askResources(flux)), cluster, log, system),
      remove: (job) => table.remove(job),
      closing: stopJournal,
      queue: createFluxQueue({ flux, cluster, realm, containers, missingFor }, system),
    },
    system,
  );
}

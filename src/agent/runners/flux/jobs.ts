/**
 * The jobs that the runner knows, each with its directory in the spool: what was ordered, every submission of it (its
 * nonce and jobspec are on disk before `flux job submit` is started), a stop, an end that was found out. Looks at what
 * Flux said, says what changed, and removes. Submits and cancels nothing.
 */
import { chmod, chown, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reason } from '../../../core/job/state.ts';
import type { System } from '../../../system/system.ts';
import { describe, type Log } from '../../log.ts';
import { isReasonCode } from '../../reason.ts';
import { listKeys, readOwnJson, syncDirectory, writeDurably } from '../process/files.ts';
import type { JobUser } from '../process/user.ts';
import { keyText, type JobKey, type NativeEnd, type NativeJob, type NativeStatus, type Order } from '../runner.ts';
import { jobspecFile } from './orphans.ts';
import type { FluxRecord } from './records.ts';
import { endOf, phaseOf, waitsFor } from './status.ts';
import { outputPaths, type OutputPaths } from './submit.ts';

/** order.json */
export interface Accepted extends JobKey {
  /** null: a native job that was found, of which nothing else is known. */
  readonly order: Order | null;
  readonly acceptedAt: number;
}

/** native.json */
export interface Native {
  /** Nonces, the newest last. */
  readonly submissions: readonly string[];
  /** The one that may run, and its id. Once set it stays: of all submissions no other is ever let go. */
  readonly chosen: { readonly nonce: string; readonly id: string } | null;
  /** It has been let go. */
  readonly isReleased: boolean;
  /** Of the instance that was given it; '' where that is not known. */
  readonly instance: string;
}

export interface FluxJobEntry {
  readonly key: JobKey;
  readonly text: string;
  readonly dir: string;
  readonly runDir: string;
  readonly accepted: Accepted;
  native: Native;
  status: NativeStatus;
  stop: Reason | null;
  /** When it was first missed among the records, and how often since. */
  missing: { readonly since: number; times: number } | null;
  /** Of the chosen submission. */
  paths: OutputPaths | null;
  told: string;
}

/** end.json */
interface Verdict {
  readonly end: NativeEnd;
  readonly startedAt: number | null;
  readonly endedAt: number;
}

export interface FluxJobs {
  readonly jobs: ReadonlyMap<string, FluxJobEntry>;
  /** Nothing was ever kept here: native jobs may be of a state directory that was lost. */
  readonly isFresh: boolean;
  load(): Promise<void>;
  /** What there was has been found: from now on, what is not here is not ours. */
  settle(): Promise<void>;
  /** Durable when it resolves. */
  add(accepted: Accepted, native: Native): Promise<FluxJobEntry>;
  /** Durable when it resolves. */
  setNative(job: FluxJobEntry, native: Native): Promise<void>;
  setStop(job: FluxJobEntry, reason: Reason): Promise<void>;
  /** Durable when it resolves. Answers its path, which the job's user can read. */
  keepJobspec(job: FluxJobEntry, nonce: string, jobspec: string): Promise<string>;
  /** Takes in what Flux says of it; tells what changed. */
  refresh(job: FluxJobEntry, record: FluxRecord): Promise<void>;
  /** It ended, and Flux will not say more. */
  conclude(job: FluxJobEntry, end: NativeEnd, endedAt: number): Promise<void>;
  pathsOf(job: FluxJobEntry): Promise<OutputPaths | null>;
  remove(job: FluxJobEntry): Promise<void>;
}

const NO_NATIVE: Native = { submissions: [], chosen: null, isReleased: false, instance: '' };

export function createFluxJobs(
  options: {
    readonly spool: string;
    readonly user: JobUser;
    readonly keptDir: string | null;
    readonly log: Log;
    readonly changed: (job: FluxJobEntry) => void;
  },
  system: System,
): FluxJobs {
  const { spool, user, log } = options;
  const jobs = new Map<string, FluxJobEntry>();
  const mark = join(spool, '.settled');
  let isFresh = false;

  const enter = (accepted: Accepted, native: Native): FluxJobEntry => {
    const { jobId, epoch, acceptedAt } = accepted;
    const text = keyText(accepted);
    const job: FluxJobEntry = {
      key: { jobId, epoch },
      text,
      dir: join(spool, text),
      runDir: join(spool, text, 'run'),
      accepted,
      native,
      status: { state: 'accepted', acceptedAt, startedAt: null, endedAt: null, end: null },
      stop: null,
      missing: null,
      paths: null,
      told: '',
    };
    jobs.set(text, job);
    return job;
  };

  const tell = (job: FluxJobEntry, status: NativeStatus): void => {
    job.status = status;
    const now = JSON.stringify(status);
    if (now === job.told) return;
    job.told = now;
    options.changed(job);
  };

  const showVerdict = (job: FluxJobEntry, { end, startedAt, endedAt }: Verdict): void =>
    tell(job, { state: 'ended', acceptedAt: job.accepted.acceptedAt, startedAt, endedAt, end });

  const conclude: FluxJobs['conclude'] = async (job, end, endedAt) => {
    const { startedAt } = job.status;
    const verdict: Verdict = { end, startedAt, endedAt: Math.max(endedAt, startedAt ?? job.accepted.acceptedAt) };
    await writeDurably(join(job.dir, 'end.json'), JSON.stringify(verdict));
    showVerdict(job, verdict);
  };

  /** What the job's user needs: his own run directory, and a way to it. */
  const makeRunDir = async (dir: string): Promise<void> => {
    const scratch = join(dir, 'run', 'scratch');
    await mkdir(scratch, { recursive: true, mode: 0o700 });
    if (!user.switched) return;
    await chmod(dir, 0o711);
    for (const path of [scratch, join(dir, 'run')]) await chown(path, user.uid, user.gid);
  };

  return {
    jobs,
    get isFresh() {
      return isFresh;
    },
    async load() {
      isFresh = (await readOwnJson<object>(mark)) === null;
      for (const text of await listKeys(spool)) {
        const dir = join(spool, text);
        const accepted = await readOwnJson<Accepted>(join(dir, 'order.json'));
        if (accepted === null) {
          log.warn(`${dir} holds no order and is left alone: remove it if nothing of it is needed`);
          continue;
        }
        const job = enter(accepted, (await readOwnJson<Native>(join(dir, 'native.json'))) ?? NO_NATIVE);
        const stop = await readOwnJson<Reason>(join(dir, 'stop'));
        job.stop = stop !== null && isReasonCode(stop.code) ? stop : null;
        const verdict = await readOwnJson<Verdict>(join(dir, 'end.json'));
        if (verdict !== null) showVerdict(job, verdict);
      }
    },
    async settle() {
      if (!isFresh) return;
      await writeDurably(mark, '{}');
      isFresh = false;
    },
    async add(accepted, native) {
      const text = keyText(accepted);
      const aside = join(spool, `.new-${text}`);
      await rm(aside, { recursive: true, force: true });
      await mkdir(aside, { recursive: true, mode: 0o700 });
      await writeDurably(join(aside, 'native.json'), JSON.stringify(native));
      await writeDurably(join(aside, 'order.json'), JSON.stringify(accepted));
      await makeRunDir(aside);
      await rename(aside, join(spool, text));
      await syncDirectory(spool);
      return enter(accepted, native);
    },
    async setNative(job, native) {
      await writeDurably(join(job.dir, 'native.json'), JSON.stringify(native));
      job.native = native;
    },
    async setStop(job, reason) {
      if (job.stop !== null) return;
      await writeDurably(join(job.dir, 'stop'), JSON.stringify(reason));
      job.stop = reason;
    },
    async keepJobspec(job, nonce, jobspec) {
      const path = join(job.dir, jobspecFile(nonce));
      await writeDurably(path, jobspec);
      if (user.switched) await chown(path, user.uid, user.gid);
      return path;
    },
    async refresh(job, record) {
      if (job.status.state === 'ended') return;
      const { acceptedAt } = job.accepted;
      const phase = phaseOf(record.state);
      const startedAt = record.startedAt === null ? job.status.startedAt : Math.max(acceptedAt, record.startedAt);
      if (phase === 'ended') {
        job.status = { ...job.status, startedAt };
        return conclude(job, endOf(record, job.stop), record.endedAt ?? system.clock.now());
      }
      const waits = startedAt === null && phase !== 'running';
      const why = waitsFor(record, !job.native.isReleased);
      tell(job, {
        state: waits ? 'accepted' : 'running',
        acceptedAt,
        startedAt,
        endedAt: null,
        end: null,
        ...(why === '' ? {} : { waitsFor: why }),
      });
    },
    conclude,
    async pathsOf(job) {
      const { chosen } = job.native;
      if (job.paths !== null || chosen === null) return job.paths;
      const jobspec = await readFile(join(job.dir, jobspecFile(chosen.nonce)), 'utf8').catch(() => null);
      job.paths = jobspec === null ? null : outputPaths(jobspec, chosen.id);
      return job.paths;
    },
    async remove(job) {
      jobs.delete(job.text);
      if (options.keptDir !== null) {
        await mkdir(options.keptDir, { recursive: true, mode: 0o711 });
        const kept = join(options.keptDir, job.text);
        await rm(kept, { recursive: true, force: true });
        await rename(job.dir, kept);
        return;
      }
      // Its order goes first, so that it is not found again; what is left then is only space.
      await rm(join(job.dir, 'order.json'), { force: true });
      await rm(job.dir, { recursive: true, force: true }).catch((error: unknown) =>
        log.warn(`${job.dir} could not be removed (${describe(error)}): remove it by hand`),
      );
    },
  };
}

export function nativeJobOf(job: FluxJobEntry): NativeJob {
  return { ...job.key, nativeId: job.native.chosen?.id ?? '', status: job.status, order: job.accepted.order };
}

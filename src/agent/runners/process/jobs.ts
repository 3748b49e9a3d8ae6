/**
 * The jobs that the runner knows, each with its files and how it stands. Looks at them, says what changed, writes
 * down ends that cannot be seen a second time, and removes them. Starts and stops nothing.
 */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Jobspec } from '../../../core/jobspec/jobspec.ts';
import { readJobspec } from '../../../core/jobspec/read.ts';
import type { System } from '../../../system/system.ts';
import { describe, type Log } from '../../log.ts';
import { removeTree } from '../../remove-as.ts';
import { keyText, type JobKey, type NativeEnd, type NativeJob, type NativeStatus } from '../runner.ts';
import {
  filesOf,
  listKeys,
  readOwnJson,
  reopen,
  reopening,
  syncDirectory,
  writeDurably,
  type JobFiles,
} from './files.ts';
import { lookAt, type AcceptedOrder, type SeenClaim, type StartRecord, type Verdict } from './native.ts';
import { endRemains } from './remains.ts';
import type { ProcessIdentity } from '../../process-identity.ts';

export interface LocalJob {
  readonly key: JobKey;
  readonly text: string;
  readonly files: JobFiles;
  readonly accepted: AcceptedOrder;
  /** Null where this version cannot read what an earlier one took. */
  readonly jobspec: Jobspec | null;
  status: NativeStatus;
  start: StartRecord | null;
  shim: ProcessIdentity | null;
  /** An agent before this one left it, and it could not be looked at yet: it may be waiting, running or over. */
  unseen: boolean;
  /** What went wrong with looking at it last; '' : nothing. */
  trouble: string;
  /** A stop was asked for; its signal is sent again until the end is there. */
  stopping: boolean;
  /** The shim is a child of this very agent: the system says when it ends. */
  ours: boolean;
  tries: number;
  /** How it stood when that was last told. */
  told: string;
}

export interface JobTable {
  readonly jobs: ReadonlyMap<string, LocalJob>;
  /** Takes in what an agent before this one left; what cannot be looked at is `unseen`, its start known if that can be read. */
  load(): Promise<void>;
  /** The first look at what an agent before this one left. */
  see(job: LocalJob): Promise<void>;
  /** Looking after it failed: said once for each cause. */
  troubled(job: LocalJob, error: unknown): void;
  /** Durable when it resolves. */
  add(accepted: AcceptedOrder, jobspec: Jobspec): Promise<LocalJob>;
  /** Looks again and tells what changed. */
  refresh(job: LocalJob): Promise<void>;
  /** The agent found out how it ended. */
  conclude(job: LocalJob, end: NativeEnd): Promise<void>;
  /** `setAside` is called when no agent will find it any more. */
  remove(job: LocalJob, setAside: () => void | Promise<void>): Promise<void>;
}

/** Of a job that is being forgotten. */
const ASIDE = '.gone-';
/** Seconds past its walltime and grace after which a job that cannot be seen is given up. */
const LONG_OVERDUE = 300;

export function createJobTable(
  options: {
    readonly jobsDir: string;
    readonly keptDir: string | null;
    readonly grace: number;
    readonly changed: (job: LocalJob) => void;
    readonly log: Log;
  },
  system: System,
): JobTable {
  const { jobsDir, log } = options;
  const jobs = new Map<string, LocalJob>();

  const look = (files: JobFiles, accepted: AcceptedOrder): ReturnType<typeof lookAt> =>
    lookAt(
      files,
      accepted,
      system.clock.now(),
      (startedAt) => startedAt + (accepted.order.walltime + options.grace + LONG_OVERDUE) * 1000,
    );

  const conclude = async (job: LocalJob, end: NativeEnd): Promise<void> => {
    const verdict: Verdict = { end, endedAt: system.clock.now() };
    await writeDurably(job.files.verdict, JSON.stringify(verdict));
    await refresh(job);
  };

  const refresh = async (job: LocalJob): Promise<void> => {
    if (job.status.state === 'ended') return;
    const found = await reopening(job.files, () => look(job.files, job.accepted));
    if (found.newClaim !== null) {
      // Its shim waits for this. On a full disk it waits longer: the next look tries again.
      await noteClaim(job.files, found.newClaim).catch((error: unknown) =>
        log.warn(`job ${job.text}: its claim cannot be noted (${describe(error)}): it begins when that is done`),
      );
    }
    if (found.verdict !== null) {
      if (found.verdict.remains && found.shim !== null) await endRemains(job.files.run, found.shim.pid, system);
      await conclude(job, found.verdict.end);
      return;
    }
    job.status = found.status;
    job.start = found.start;
    job.shim = found.shim;
    const now = JSON.stringify(job.status);
    if (now === job.told) return;
    job.told = now;
    options.changed(job);
  };

  const enter = (files: JobFiles, accepted: AcceptedOrder, jobspec: Jobspec | null): LocalJob => {
    const { jobId, epoch } = accepted.order;
    const job: LocalJob = {
      key: { jobId, epoch },
      text: keyText({ jobId, epoch }),
      files,
      accepted,
      jobspec,
      status: { state: 'accepted', acceptedAt: accepted.acceptedAt, startedAt: null, endedAt: null, end: null },
      start: null,
      shim: null,
      unseen: false,
      trouble: '',
      stopping: false,
      ours: false,
      tries: 0,
      told: '',
    };
    jobs.set(job.text, job);
    return job;
  };

  const see = async (job: LocalJob): Promise<void> => {
    await refresh(job);
    job.stopping = (await readOwnJson(job.files.stop)) !== null;
    job.unseen = false;
  };

  const troubled = (job: LocalJob, error: unknown): void => {
    const cause = describe(error);
    if (job.trouble === cause) return;
    job.trouble = cause;
    log.warn(`job ${job.text}: it cannot be looked after now (${cause}); trying again`);
  };

  const removeAside = async (dir: string): Promise<void> => {
    const files = filesOf(dir, '.');
    try {
      await reopen(files);
      // Before the claim: a shim that was started by an agent before us, and is late, looks for it after claiming.
      await rm(files.script, { force: true });
      await removeTree(files.run);
      await removeTree(dir);
    } catch (error) {
      log.warn(`${dir} could not be removed (${describe(error)}): remove it by hand`);
    }
  };

  return {
    jobs,
    async load() {
      for (const name of await readdir(jobsDir)) if (name.startsWith(ASIDE)) await removeAside(join(jobsDir, name));
      for (const text of await listKeys(jobsDir)) {
        const files = filesOf(jobsDir, text);
        const accepted = await reopening(files, () => readOwnJson<AcceptedOrder>(files.order));
        if (accepted === null) {
          log.warn(`${files.dir} holds no order and is left alone: remove it if nothing of it is needed`);
          continue;
        }
        const job = enter(files, accepted, readOrNull(accepted.order.jobspec));
        job.unseen = true;
        try {
          await see(job);
        } catch (error) {
          job.start = await readOwnJson<StartRecord>(files.start).catch(() => null);
          troubled(job, error);
        }
      }
    },
    see,
    troubled,
    async add(accepted, jobspec) {
      const text = keyText(accepted.order);
      const aside = join(jobsDir, `.new-${text}`);
      await removeTree(aside);
      await mkdir(aside, { recursive: true, mode: 0o700 });
      await writeDurably(join(aside, 'order.json'), JSON.stringify(accepted));
      const files = filesOf(jobsDir, text);
      await rename(aside, files.dir);
      await syncDirectory(jobsDir);
      const job = enter(files, accepted, jobspec);
      await refresh(job);
      return job;
    },
    refresh,
    conclude,
    async remove(job, setAside) {
      if (options.keptDir !== null) {
        await mkdir(options.keptDir, { recursive: true, mode: 0o711 });
        const kept = join(options.keptDir, job.text);
        await removeTree(kept);
        await reopen(job.files);
        await rename(job.files.dir, kept);
        jobs.delete(job.text);
        return;
      }
      // At once: an agent that is killed while it removes file by file would leave a job that looks as if it had never run.
      const aside = join(jobsDir, `${ASIDE}${job.text}`);
      await rename(job.files.dir, aside);
      jobs.delete(job.text);
      await syncDirectory(jobsDir);
      await setAside();
      await removeAside(aside);
    },
  };
}

/** By rename: it is there whole, or not at all. */
async function noteClaim(files: JobFiles, claim: SeenClaim): Promise<void> {
  const aside = `${files.seenClaim}.new`;
  await writeFile(aside, JSON.stringify(claim), { mode: 0o600 });
  await rename(aside, files.seenClaim);
}

function readOrNull(text: string): Jobspec | null {
  try {
    return readJobspec(text);
  } catch {
    return null;
  }
}

export function nativeJob(job: LocalJob): NativeJob {
  return { ...job.key, nativeId: job.text, status: job.status, order: job.accepted.order };
}

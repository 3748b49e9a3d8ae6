/**
 * The jobs that a batch system's runner knows, each with its directory in the spool: what was ordered (order.json), what
 * is known of its native job (native.json, on disk before anything is submitted), a stop, an end that was found out.
 * Says what changed, and removes. Asks, submits and cancels nothing.
 *
 * Invariant: what a change resolves to is on disk, and nothing that was learned at the same time is lost.
 */
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reason } from '../../../core/job/state.ts';
import { describe, type Log } from '../../log.ts';
import { isReasonCode } from '../../reason.ts';
import { removeTree } from '../../remove-as.ts';
import { createTurns } from '../../wait.ts';
import { isAbsent, listKeys, readOwnJson, syncDirectory, writeDurably } from '../process/files.ts';
import { keyText, type JobKey, type NativeEnd, type NativeJob, type NativeStatus, type Order } from '../runner.ts';

/** order.json */
export interface Accepted extends JobKey {
  /** null: a native job that was found, of which nothing else is known. */
  readonly order: Order | null;
  readonly acceptedAt: number;
}

export interface OutputPaths {
  readonly stdout: string;
  readonly stderr: string;
}

/** `A`: order.json; `N`: native.json. */
export interface BatchJob<A extends Accepted = Accepted, N = unknown> {
  readonly key: JobKey;
  readonly text: string;
  readonly dir: string;
  readonly runDir: string;
  readonly accepted: A;
  native: N;
  status: NativeStatus;
  stop: Reason | null;
  /** When it was first missed among the records, and how often since. */
  missing: { readonly since: number; times: number } | null;
  /** Where its output is, once that is known. */
  paths: OutputPaths | null;
  /** How it stood when that was last told. */
  told: string;
}

/** end.json */
interface Verdict {
  readonly end: NativeEnd;
  readonly startedAt: number | null;
  readonly endedAt: number;
}

export interface JobTable<A extends Accepted, N> {
  readonly jobs: ReadonlyMap<string, BatchJob<A, N>>;
  load(): Promise<void>;
  /** Durable when it resolves. */
  add(accepted: A, native: N): Promise<BatchJob<A, N>>;
  /** Durable when it resolves. One after the other per job: a submit and a look may both have learned something. */
  change(job: BatchJob<A, N>, change: (now: N) => N): Promise<void>;
  /** The first one counts. Durable when it resolves. */
  setStop(job: BatchJob<A, N>, reason: Reason): Promise<void>;
  /** How it stands now; watchers hear of it where that is new. */
  tell(job: BatchJob<A, N>, status: NativeStatus): void;
  /** It ended, and the scheduler will not say more. Durable when it resolves. */
  conclude(job: BatchJob<A, N>, end: NativeEnd, endedAt: number): Promise<void>;
  remove(job: BatchJob<A, N>): Promise<void>;
  nativeJobOf(job: BatchJob<A, N>): NativeJob;
}

/** In the spool: it was removed, and what is left of it is only space. */
const ASIDE = '.gone-';

export function createJobTable<A extends Accepted, N>(options: {
  readonly spool: string;
  /** Where the files of ended jobs go; null: they are removed. */
  readonly keptDir: string | null;
  readonly log: Log;
  readonly changed: (native: NativeJob) => void;
  /** Where native.json cannot be read. */
  readonly noNative: N;
  /** '' where it is not known (yet). */
  readonly nativeId: (native: N) => string;
  /** What the job's user needs: his own run directory, and a way to it. */
  readonly makeRunDir: (dir: string, accepted: A) => Promise<void>;
}): JobTable<A, N> {
  type Job = BatchJob<A, N>;
  const { spool, log } = options;
  const jobs = new Map<string, Job>();
  const turns = new WeakMap<Job, ReturnType<typeof createTurns>>();

  const enter = (accepted: A, native: N): Job => {
    const { jobId, epoch, acceptedAt } = accepted;
    const text = keyText(accepted);
    const job: Job = {
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
    turns.set(job, createTurns());
    return job;
  };

  const nativeJobOf = (job: Job): NativeJob => ({
    ...job.key,
    nativeId: options.nativeId(job.native),
    status: job.status,
    order: job.accepted.order,
  });

  const tell = (job: Job, status: NativeStatus): void => {
    job.status = status;
    const now = JSON.stringify(status);
    if (now === job.told) return;
    job.told = now;
    options.changed(nativeJobOf(job));
  };

  const showVerdict = (job: Job, { end, startedAt, endedAt }: Verdict): void =>
    tell(job, { state: 'ended', acceptedAt: job.accepted.acceptedAt, startedAt, endedAt, end });

  const removeAside = (aside: string): Promise<void> =>
    removeTree(aside).catch((error: unknown) =>
      log.warn(`${aside} could not be removed (${describe(error)}): remove it by hand`),
    );

  /** At once, so that neither an agent nor a wrapper finds it any more, whenever this one is killed. */
  const setAside = async (text: string): Promise<string> => {
    const aside = join(spool, `${ASIDE}${text}`);
    await removeTree(aside);
    await rename(join(spool, text), aside);
    await syncDirectory(spool);
    return aside;
  };

  return {
    jobs,
    nativeJobOf,
    tell,
    async load() {
      for (const name of await readdir(spool)) if (name.startsWith(ASIDE)) await removeAside(join(spool, name));
      for (const text of await listKeys(spool)) {
        const dir = join(spool, text);
        const accepted = await readOwnJson<A>(join(dir, 'order.json'));
        if (accepted === null) {
          log.warn(`${dir} holds no order and is left alone: remove it if nothing of it is needed`);
          continue;
        }
        const job = enter(accepted, (await readOwnJson<N>(join(dir, 'native.json'))) ?? options.noNative);
        const stop = await readOwnJson<Reason>(join(dir, 'stop'));
        job.stop = stop !== null && isReasonCode(stop.code) ? stop : null;
        const verdict = await readOwnJson<Verdict>(join(dir, 'end.json'));
        if (verdict !== null) showVerdict(job, verdict);
      }
    },
    async add(accepted, native) {
      const text = keyText(accepted);
      const aside = join(spool, `.new-${text}`);
      await removeTree(aside);
      await mkdir(aside, { recursive: true, mode: 0o700 });
      await writeDurably(join(aside, 'native.json'), JSON.stringify(native));
      await writeDurably(join(aside, 'order.json'), JSON.stringify(accepted));
      await options.makeRunDir(aside, accepted);
      try {
        await rename(aside, join(spool, text));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
        // One without an order, as an agent that was killed may have left it: nobody's.
        const left = await setAside(text);
        await rename(aside, join(spool, text));
        await removeAside(left);
      }
      await syncDirectory(spool);
      return enter(accepted, native);
    },
    change: (job, change) =>
      turns.get(job)!(async () => {
        // It was removed meanwhile: refused, perhaps, and its record seen all the same.
        if (jobs.get(job.text) !== job) return;
        const next = change(job.native);
        await writeDurably(join(job.dir, 'native.json'), JSON.stringify(next));
        job.native = next;
      }),
    async setStop(job, reason) {
      if (job.stop !== null) return;
      await writeDurably(join(job.dir, 'stop'), JSON.stringify(reason));
      job.stop = reason;
    },
    async conclude(job, end, endedAt) {
      const { startedAt } = job.status;
      const verdict: Verdict = { end, startedAt, endedAt: Math.max(endedAt, startedAt ?? job.accepted.acceptedAt) };
      await writeDurably(join(job.dir, 'end.json'), JSON.stringify(verdict));
      showVerdict(job, verdict);
    },
    remove: (job) =>
      turns.get(job)!(async () => {
        jobs.delete(job.text);
        if (options.keptDir !== null) {
          await mkdir(options.keptDir, { recursive: true, mode: 0o711 });
          const kept = join(options.keptDir, job.text);
          await removeTree(kept);
          await rename(job.dir, kept);
          return;
        }
        const aside = await setAside(job.text).catch((error: unknown) => {
          if (!isAbsent(error)) throw error;
          // Somebody removed it by hand.
          return null;
        });
        if (aside !== null) await removeAside(aside);
      }),
  };
}

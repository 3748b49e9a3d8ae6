/**
 * The jobs that the runner knows, each with its directory in the spool: what was ordered, every submission of it (its
 * name is on disk before sbatch is started), a stop, an end that was found out. Looks at what Slurm said and at what
 * the wrapper wrote, says what changed, and removes. Submits and cancels nothing.
 */
import { chmod, chown, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reason } from '../../../core/job/state.ts';
import type { System } from '../../../system/system.ts';
import { describe, type Log } from '../../log.ts';
import { isReasonCode } from '../../reason.ts';
import { listKeys, readOwnJson, readUntrusted, syncDirectory, writeDurably } from '../process/files.ts';
import { keyText, type JobKey, type NativeEnd, type NativeJob, type NativeStatus, type Order } from '../runner.ts';
import { readNativeName } from './key.ts';
import type { SlurmRecord } from './records.ts';
import { endOf, phaseOf, phaseOfAll, waitsFor, type TaskEnd } from './status.ts';
import type { SlurmUser } from './users.ts';

/** order.json */
export interface Accepted extends JobKey {
  /** null: a native job that was found, of which nothing else is known. */
  readonly order: Order | null;
  readonly acceptedAt: number;
  /** Whom its files belong to, and who cancels it. */
  readonly user: SlurmUser | null;
  readonly uid: number;
  /** Highest index of its array; 0: no array. */
  readonly lastTask: number;
  /** It goes where the jobspec said: paths are asked of Slurm. */
  readonly ownOutput: boolean;
}

/** native.json: every submission, the newest last. */
export interface Submission {
  readonly nonce: string;
  /** The whole of its name in Slurm. */
  readonly name: string;
  readonly at: number;
  /** null: not known (yet) to have reached Slurm. */
  readonly nativeId: string | null;
}

export interface SlurmJobEntry {
  readonly key: JobKey;
  readonly text: string;
  readonly dir: string;
  readonly runDir: string;
  readonly accepted: Accepted;
  submissions: readonly Submission[];
  records: readonly SlurmRecord[];
  status: NativeStatus;
  stop: Reason | null;
  /** When it was first missed among the records, and how often since. */
  missing: { readonly since: number; times: number } | null;
  /** Where its output is, where that is not ours to say. */
  outputPaths: { readonly stdout: string; readonly stderr: string } | null;
  told: string;
}

/** end.json */
interface Verdict {
  readonly end: NativeEnd;
  readonly startedAt: number | null;
  readonly endedAt: number;
}

export interface Said {
  readonly ends: readonly TaskEnd[];
  /** Nonces of the submissions that have begun to run. */
  readonly claimedBy: ReadonlySet<string>;
  /** Of the last end; 0: none. */
  readonly lastAt: number;
}

/** At least so long a record that Slurm may still show is overlooked. */
const OVERLOOKED_MS = 60_000;

export interface SlurmJobs {
  readonly jobs: ReadonlyMap<string, SlurmJobEntry>;
  load(): Promise<void>;
  /** Durable when it resolves. */
  add(accepted: Accepted, submissions: readonly Submission[]): Promise<SlurmJobEntry>;
  /** Durable when it resolves. One after the other per job: a submit and a poll may both have learned something. */
  changeSubmissions(job: SlurmJobEntry, change: (now: readonly Submission[]) => readonly Submission[]): Promise<void>;
  setStop(job: SlurmJobEntry, reason: Reason): Promise<void>;
  /**
   * Of all records with its key those that count: of the submission that has the claim, else of the newest. What is left
   * of an earlier one that Slurm lost or dropped says nothing of it.
   */
  relevant(job: SlurmJobEntry, all: readonly SlurmRecord[]): Promise<readonly SlurmRecord[]>;
  /** Takes in what Slurm says of it, where it says something; tells what changed. */
  refresh(job: SlurmJobEntry, records: readonly SlurmRecord[]): Promise<void>;
  /** It ended, and Slurm will not say more. */
  conclude(job: SlurmJobEntry, end: NativeEnd, endedAt: number): Promise<void>;
  /** What the wrapper has said so far. */
  taskEnds(job: SlurmJobEntry): Promise<Said>;
  remove(job: SlurmJobEntry): Promise<void>;
  /** Submissions whose records are to be overlooked while Slurm still shows them. */
  readonly gone: ReadonlyMap<string, number>;
  overlook(nonces: readonly string[]): Promise<void>;
  /** Slurm does not show these any more. */
  prune(shown: ReadonlySet<string>): Promise<void>;
}

export function createSlurmJobs(
  options: {
    readonly spool: string;
    readonly keptDir: string | null;
    readonly log: Log;
    readonly changed: (job: SlurmJobEntry) => void;
  },
  system: System,
): SlurmJobs {
  const { spool, log } = options;
  const jobs = new Map<string, SlurmJobEntry>();
  const writing = new WeakMap<SlurmJobEntry, Promise<void>>();
  const goneDir = join(spool, '.gone');
  /** When it was put there, in this agent's time: a poll that is under way may not have seen its record yet. */
  const gone = new Map<string, number>();

  const enter = (accepted: Accepted, submissions: readonly Submission[]): SlurmJobEntry => {
    const { jobId, epoch, acceptedAt } = accepted;
    const text = keyText(accepted);
    const job: SlurmJobEntry = {
      key: { jobId, epoch },
      text,
      dir: join(spool, text),
      runDir: join(spool, text, 'run'),
      accepted,
      submissions,
      records: [],
      status: { state: 'accepted', acceptedAt, startedAt: null, endedAt: null, end: null },
      stop: null,
      missing: null,
      outputPaths: null,
      told: '',
    };
    jobs.set(text, job);
    return job;
  };

  const tell = (job: SlurmJobEntry, status: NativeStatus): void => {
    job.status = status;
    const now = JSON.stringify(status);
    if (now === job.told) return;
    job.told = now;
    options.changed(job);
  };

  const showVerdict = (job: SlurmJobEntry, { end, startedAt, endedAt }: Verdict): void =>
    tell(job, { state: 'ended', acceptedAt: job.accepted.acceptedAt, startedAt, endedAt, end });

  const conclude: SlurmJobs['conclude'] = async (job, end, endedAt) => {
    const { startedAt } = job.status;
    const verdict: Verdict = { end, startedAt, endedAt: Math.max(endedAt, startedAt ?? job.accepted.acceptedAt) };
    await writeDurably(join(job.dir, 'end.json'), JSON.stringify(verdict));
    showVerdict(job, verdict);
  };

  const taskEnds: SlurmJobs['taskEnds'] = async (job) => {
    const names = await readdir(job.runDir).catch((): string[] => []);
    const ends = new Map<number, TaskEnd & { readonly restart: number }>();
    const claimedBy = new Set<string>();
    let lastAt = 0;
    for (const name of names) {
      const found = /^(end|claim)\.(\d+)\.(\d+)$/.exec(name);
      if (found === null) continue;
      const [task, restart] = [Number(found[2]), Number(found[3])];
      const file = await readUntrusted(join(job.runDir, name), job.accepted.uid, 4096);
      if (file === null || !file.text.includes('\ncomplete\n')) continue;
      if (found[1] === 'claim') claimedBy.add(/^nonce (\S+)/.exec(file.text)?.[1] ?? '');
      else if ((ends.get(task)?.restart ?? -1) < restart) {
        const status = Number(/^status (\d+)$/m.exec(file.text)?.[1] ?? 1);
        const cannot = await readUntrusted(join(job.runDir, `cannot.${task}.${restart}`), job.accepted.uid, 4096);
        ends.set(task, { task, status, restart, cannot: cannot === null ? null : cannot.text.trim().split('\n')[0]! });
        lastAt = Math.max(lastAt, file.modifiedAt);
      }
    }
    return { ends: [...ends.values()], claimedBy, lastAt };
  };

  const refresh: SlurmJobs['refresh'] = async (job, records) => {
    if (job.status.state === 'ended' || records.length === 0) return;
    job.records = records;
    const { acceptedAt } = job.accepted;
    const starts = records.flatMap(({ state, startedAt }) =>
      startedAt === null || phaseOf(state) === 'waiting' ? [] : [startedAt],
    );
    const startedAt = starts.length === 0 ? job.status.startedAt : Math.max(acceptedAt, Math.min(...starts));
    const phase = phaseOfAll(records);
    if (phase === 'ended') {
      const { ends, lastAt } = await taskEnds(job);
      const ran = ends.length > 0 || records.some(({ state }) => state !== 'CANCELLED');
      const endedAt = Math.max(...records.map((record) => record.endedAt ?? 0)) || lastAt || system.clock.now();
      job.status = { ...job.status, startedAt: ran || !wasNever(records) ? startedAt : null };
      return conclude(job, endOf({ records, tasks: ends, stop: job.stop }), endedAt);
    }
    const why = waitsFor(records);
    const waits = phase === 'waiting' && job.status.state === 'accepted';
    tell(job, {
      // Slurm may have requeued it: what has run does not wait in our eyes, or states would go backwards.
      state: waits || (phase === 'completing' && startedAt === null) ? 'accepted' : 'running',
      acceptedAt,
      startedAt: waits ? null : startedAt,
      endedAt: null,
      end: null,
      ...(why === '' ? {} : { waitsFor: why }),
    });
  };

  const relevant: SlurmJobs['relevant'] = async (job, all) => {
    const byNonce = new Map<string, SlurmRecord[]>();
    for (const record of all) {
      const nonce = readNativeName(record.name)?.nonce ?? '';
      const there = byNonce.get(nonce);
      if (there === undefined) byNonce.set(nonce, [record]);
      else there.push(record);
    }
    const newest = job.submissions.at(-1)?.nonce ?? '';
    if (byNonce.size === 1 && byNonce.has(newest)) return all;
    const { claimedBy } = await taskEnds(job);
    const alive = [...byNonce].flatMap(([nonce, records]) => (phaseOfAll(records) === 'ended' ? [] : [nonce]));
    const chosen = [...claimedBy, newest, ...alive].find((nonce) => byNonce.has(nonce));
    return chosen === undefined ? [] : byNonce.get(chosen)!;
  };

  const makeRunDir = async (dir: string, { user, uid }: Accepted): Promise<void> => {
    const run = join(dir, 'run');
    const scratch = join(run, 'scratch');
    if (user === null) return void (await mkdir(scratch, { recursive: true, mode: 0o700 }));
    await mkdir(run, { recursive: true, mode: 0o700 });
    await chmod(dir, 0o711);
    if (user.by === 'uid') {
      await mkdir(scratch, { mode: 0o700 }).catch(() => undefined);
      for (const path of [scratch, run]) await chown(path, uid, user.gid);
    } else {
      // Only its owner may take a file out of it; the wrapper makes the rest.
      await chmod(run, 0o1733);
    }
  };

  return {
    jobs,
    gone,
    relevant,
    async load() {
      await mkdir(goneDir, { recursive: true, mode: 0o700 });
      for (const nonce of await readdir(goneDir)) gone.set(nonce, 0);
      for (const text of await listKeys(spool)) {
        const dir = join(spool, text);
        const accepted = await readOwnJson<Accepted>(join(dir, 'order.json'));
        if (accepted === null) {
          log.warn(`${dir} holds no order and is left alone: remove it if nothing of it is needed`);
          continue;
        }
        const job = enter(accepted, (await readOwnJson<Submission[]>(join(dir, 'native.json'))) ?? []);
        const stop = await readOwnJson<Reason>(join(dir, 'stop'));
        job.stop = stop !== null && isReasonCode(stop.code) ? stop : null;
        const verdict = await readOwnJson<Verdict>(join(dir, 'end.json'));
        if (verdict !== null) showVerdict(job, verdict);
      }
    },
    async add(accepted, submissions) {
      const text = keyText(accepted);
      const aside = join(spool, `.new-${text}`);
      await rm(aside, { recursive: true, force: true });
      await mkdir(aside, { recursive: true, mode: 0o700 });
      await writeDurably(join(aside, 'native.json'), JSON.stringify(submissions));
      await writeDurably(join(aside, 'order.json'), JSON.stringify(accepted));
      await makeRunDir(aside, accepted);
      await rename(aside, join(spool, text));
      await syncDirectory(spool);
      return enter(accepted, submissions);
    },
    async changeSubmissions(job, submissionsOf) {
      const before = writing.get(job);
      const turn = (async () => {
        await before;
        const next = submissionsOf(job.submissions);
        await writeDurably(join(job.dir, 'native.json'), JSON.stringify(next));
        job.submissions = next;
      })();
      // Who comes next waits for the end of this one, whichever it is.
      writing.set(
        job,
        turn.catch(() => undefined),
      );
      await turn;
    },
    async setStop(job, reason) {
      if (job.stop !== null) return;
      await writeDurably(join(job.dir, 'stop'), JSON.stringify(reason));
      job.stop = reason;
    },
    refresh,
    conclude,
    taskEnds,
    async remove(job) {
      await this.overlook(job.submissions.map(({ nonce }) => nonce));
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
    async overlook(nonces) {
      for (const nonce of nonces) {
        await writeFile(join(goneDir, nonce), '');
        gone.set(nonce, system.clock.now());
      }
      await syncDirectory(goneDir);
    },
    async prune(shown) {
      for (const [nonce, at] of gone) {
        if (shown.has(nonce) || system.clock.now() < at + OVERLOOKED_MS) continue;
        gone.delete(nonce);
        await rm(join(goneDir, nonce), { force: true });
      }
    },
  };
}

/** Canceled before it ever had a node. */
function wasNever(records: readonly SlurmRecord[]): boolean {
  return records.every(({ startedAt, endedAt }) => startedAt === null || startedAt === endedAt);
}

export function nativeJobOf(job: SlurmJobEntry): NativeJob {
  const submission = job.submissions.findLast(({ nativeId }) => nativeId !== null);
  return { ...job.key, nativeId: submission?.nativeId ?? '', status: job.status, order: job.accepted.order };
}

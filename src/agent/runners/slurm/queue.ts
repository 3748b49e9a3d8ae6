/**
 * Slurm's queue as a bidder sees it: what runs and waits in the partition, everybody's, and backfill's plans for what
 * waits. Where nothing waits but not all is free, Slurm itself is asked (`sbatch --test-only`): that tells the truth only
 * then (else it adds up the time limits of all that waits), and each time it uses up a job id, so it is asked seldom.
 *
 * Where it stops: who has a higher priority by fair share than those who wait is not foreseen; limits of associations and
 * QOS show only once a job waits for them.
 */
import type { ContainerRuntime } from '../../../core/containers/run.ts';
import type { BidQuestion } from '../../../core/bid/bid.ts';
import { taken } from '../../../core/bid/wanted.ts';
import { RainbowError } from '../../../core/errors.ts';
import { isInService, type SlurmNode } from '../../../core/discover/slurm.ts';
import type { FoundPartition } from '../../../core/discover/layout.ts';
import { readJobspec } from '../../../core/jobspec/read.ts';
import { readSlurmTime } from '../../../core/translate/slurm/amounts.ts';
import type { System } from '../../../system/system.ts';
import { countParts, takesOf } from '../batch/counts.ts';
import { freshFor } from '../batch/once.ts';
import { createTimeOf } from '../batch/time-of.ts';
import type { NativeName } from '../batch/key.ts';
import type { Order, QueueNow, RunnerQueue } from '../runner.ts';
import { askNodes, askPartitions } from './cluster.ts';
import { failed, type Slurm } from './commands.ts';
import { readNativeName } from './key.ts';
import { QUEUED_FORMAT, readQueued, type QueuedRecord } from './queued.ts';
import { readTime } from './records.ts';
import { nativeSubmission, slurmJobOf, type Native } from './submit.ts';
import { limitToSay } from './time-limit.ts';
import type { Users } from './users.ts';

/** Questions come many at once, and about partitions seldom anything new. Milliseconds. */
const QUEUE_FRESH_MS = 1_000;
const PARTITIONS_FRESH_MS = 60_000;
/** Between two calls of `sbatch --test-only`, for whatever job. */
const TEST_EVERY_MS = 10_000;
/** What it said holds for so long. */
const TEST_FRESH_MS = 30_000;
const MOST_REMEMBERED = 100;

/** Of what it refuses, that which will not pass; nodes that are down make other refusals, and come back. */
const NEVER =
  /Requested time limit is invalid|Node count specification invalid|[Ii]nvalid partition|Invalid account|Invalid qos|group not permitted to use this partition|Job violates accounting\/QOS policy|Access\/permission denied/;

export function createSlurmQueue(
  parts: {
    readonly slurm: Slurm;
    readonly cluster: string;
    readonly realm: string;
    readonly users: Users;
    readonly containers: ContainerRuntime;
    /** Answers what is missing; '' where it fits. */
    readonly missingFor: (request: ReturnType<typeof readJobspec>['request']) => Promise<string>;
  },
  { clock }: System,
): RunnerQueue {
  const { slurm, realm, users } = parts;
  const partitions = freshFor(PARTITIONS_FRESH_MS, clock, () => askPartitions(slurm));
  const nodes = freshFor(QUEUE_FRESH_MS, clock, () => askNodes(slurm));
  const queued = freshFor(QUEUE_FRESH_MS, clock, () => askQueued(slurm));
  /** By shape; `start`: milliseconds since 1970. */
  const tested = new Map<string, { readonly at: number; readonly start: number | null; readonly never: string }>();
  let testedAt = -Infinity;

  const partitionOf = async (native: Asked): Promise<FoundPartition | null> => {
    const all = await partitions();
    const name = native.partition;
    return all.find((each) => (name === '' ? each.facts['default'] === true : each.name === name)) ?? null;
  };

  /** Null: it was asked too lately about something else. */
  const test = async (
    question: BidQuestion,
    native: Asked,
  ): Promise<{ start: number | null; never: string } | null> => {
    const known = tested.get(question.shape);
    const now = clock.monotonic();
    if (known !== undefined && now - known.at <= TEST_FRESH_MS) return known;
    if (now - testedAt < TEST_EVERY_MS) return null;
    testedAt = now;
    const as = await users.anyone().catch(() => null);
    const answer = await slurm('sbatch', ['--test-only', ...native.args], { input: native.script, as });
    const error = answer.code === 0 ? null : failed('sbatch', answer);
    if (error?.code === 'unavailable') throw error;
    // It says so on standard error.
    const start = readTime(/to start at (\S+)/.exec(answer.stderr)?.[1]);
    // The question does not say whose the job is: what one user is refused another may have.
    const isHis = users.kind === 'single-user';
    const never = isHis && error !== null && NEVER.test(error.message) ? error.message : '';
    if (tested.size >= MOST_REMEMBERED) tested.clear();
    tested.set(question.shape, { at: now, start, never });
    return { start, never };
  };

  const refusalOf = async (question: BidQuestion, native: Asked): Promise<string> => {
    const { request, walltime, leastTime } = readJobspec(question.jobspec);
    const missing = await parts.missingFor(request);
    if (missing !== '') return missing;
    const partition = await partitionOf(native);
    if (partition === null) {
      const isOne = native.partition !== '' && !native.partition.includes(',');
      return isOne ? `there is no partition ${native.partition}` : '';
    }
    const most = readSlurmTime(String(partition.facts['max_time'] ?? ''));
    // Where it asks for no time it gets one that the partition lets it have.
    return typeof most === 'number' && walltime !== null && (leastTime ?? walltime) > most
      ? `partition ${partition.name} lets a job run for ${most / 60} min, not for ${walltime / 60}`
      : '';
  };

  return {
    async look(question) {
      let native: Asked;
      try {
        native = askedOf(question, parts, await partitions());
      } catch (error) {
        if (error instanceof RainbowError) return { refusal: { code: 'cannot_start', message: error.message } };
        throw error;
      }
      const refusal = await refusalOf(question, native);
      if (refusal !== '') return { refusal: { code: 'never_fits', message: refusal } };
      const [partition, all, nodesNow, jobs] = await Promise.all([
        partitionOf(native),
        partitions(),
        nodes(),
        queued(),
      ]);
      const here = queueOf(partition, all, nodesNow, jobs, { realm, now: clock.now() });
      const totals = Object.entries(here.total).map(([type, total]) => ({ type, total }));
      const takes = taken(readJobspec(question.jobspec).request, totals);
      const isFree = Object.entries(takes).every(([type, count]) => count <= (here.free[type] ?? Infinity));
      if (isFree || here.isClosed || here.waiting.length > 0) return here;
      const said = await test(question, native);
      if (said !== null && said.never !== '') return { refusal: { code: 'never_fits', message: said.never } };
      if (said === null || said.start === null) return here;
      return { ...here, planned: Math.max(0, (said.start - clock.now()) / 1000) };
    },
    timeOf: createTimeOf(partitions, true),
  };
}

async function askQueued(slurm: Slurm): Promise<readonly QueuedRecord[]> {
  const answer = await slurm('squeue', ['-h', '-a', '-r', '-O', QUEUED_FORMAT]);
  if (answer.code !== 0) throw failed('squeue', answer);
  return readQueued(answer.stdout);
}

interface Asked extends Native {
  /** '' where it says none. */
  readonly partition: string;
}

/** Throws as `slurmJobOf`. */
function askedOf(
  question: BidQuestion,
  { cluster, realm, containers }: { cluster: string; realm: string; containers: ContainerRuntime },
  partitions: readonly FoundPartition[],
): Asked {
  const { jobspec, walltime, priority } = question;
  const order: Order = { jobId: '1', epoch: 1, name: '', owner: '', jobspec, walltime, priority };
  const name: NativeName = { jobId: '1', epoch: 1, realm, nonce: '0'.repeat(12) };
  const job = slurmJobOf(order, containers);
  const found = job.options.find(([option]) => option === 'partition')?.[1];
  // It is asked about, and never submitted: nothing is written there.
  const partition = typeof found === 'string' ? found : '';
  const asked = { ...readJobspec(jobspec), queue: partition === '' ? null : partition };
  const limit = limitToSay(partitions, asked, walltime);
  const native = nativeSubmission(job, order, name, { cluster, runDir: '/tmp', cwd: '/', containers, limit });
  return { ...native, partition };
}

/** Pure. `partition` null: the whole cluster. */
export function queueOf(
  partition: FoundPartition | null,
  partitions: readonly FoundPartition[],
  nodes: readonly SlurmNode[],
  jobs: readonly QueuedRecord[],
  { realm, now }: { readonly realm: string; readonly now: number },
): QueueNow {
  const names = new Set(partition?.nodes ?? nodes.map(({ name }) => name));
  const serving = nodes.filter((node) => names.has(node.name) && isInService(node));
  const gpus = (node: SlurmNode): number =>
    [...node.devices, ...node.sockets.flatMap(({ devices }) => devices)].reduce(
      (sum, { type, count }) => sum + (type === 'gpu' ? count : 0),
      0,
    );
  const runs = jobs.filter(({ waits }) => !waits);
  // Slurm counts threads where cores have several.
  const cpus = runs.reduce((sum, each) => sum + each.cpus, 0);
  const coresPerCpu = cpus === 0 ? 1 : Math.min(1, nodes.reduce((sum, { coresTaken }) => sum + coresTaken, 0) / cpus);
  const keyOf = (name: string): QueueNow['running'][number]['key'] => {
    const key = readNativeName(name);
    return key !== null && key.realm === realm ? { jobId: key.jobId, epoch: key.epoch } : null;
  };
  const counted = countParts(
    serving.map((node) => ({
      name: node.name,
      cores: node.sockets.reduce((sum, { cores }) => sum + cores, 0),
      gpus: gpus(node),
      coresTaken: node.coresTaken,
      gpusTaken: node.devicesTaken.find(({ type }) => type === 'gpu')?.indices.length ?? 0,
    })),
    runs.map((job) => ({ ...job, key: keyOf(job.name), cores: job.cpus * coresPerCpu, nodes: job.hosts })),
  );
  // Partitions of the same nodes are served in the order of their tiers.
  const tier = (each: FoundPartition): number => Number(each.facts['priority_tier'] ?? 1);
  const before = new Set(
    partitions
      .filter(
        (each) => partition === null || (tier(each) >= tier(partition) && each.nodes.some((name) => names.has(name))),
      )
      .map(({ name }) => name),
  );
  const waiting = jobs
    .filter((job) => job.waits && !job.isHeld && job.partitions.some((name) => before.has(name)))
    .sort((a, b) => b.priority - a.priority)
    .map((job) => ({
      key: keyOf(job.name),
      takes: takesOf({ ...job, cores: job.cpus * coresPerCpu }, job.isWhole, counted.total),
      walltime: job.walltime,
      planned: job.plannedAt === null ? null : Math.max(0, (job.plannedAt - now) / 1000),
    }));
  const state = partition?.facts['state'] ?? 'UP';
  return { name: partition?.name ?? '', ...counted, waiting, planned: null, isClosed: state !== 'UP' };
}

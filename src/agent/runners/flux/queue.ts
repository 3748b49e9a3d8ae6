/**
 * Flux's queue as a bidder sees it: what runs and waits in the queue, everybody's; its scheduler's plans, which only some
 * queue policies make (`easy`, `hybrid`, `conservative` of Fluxion), and only for jobs that wait (`t_estimate`); and a
 * yes or no of the feasibility service (about a millisecond; no command asks it, so a few lines of Python do).
 *
 * Where it stops: which gpus a job of somebody else's has Flux does not list; a queue that was stopped is not noticed.
 */
import type { ContainerRuntime } from '../../../core/containers/run.ts';
import type { BidQuestion } from '../../../core/bid/bid.ts';
import { wanted as wants } from '../../../core/bid/wanted.ts';
import { RainbowError } from '../../../core/errors.ts';
import type { FluxCluster } from '../../../core/discover/flux.ts';
import { expandHosts } from '../../../core/discover/expand-hosts.ts';
import type { FoundPartition } from '../../../core/discover/layout.ts';
import { overSize, sizeLimitOf } from '../../../core/discover/size-limits.ts';
import { limitOf, overLimit } from '../../../core/discover/time-limits.ts';
import { readJobspec } from '../../../core/jobspec/read.ts';
import type { System } from '../../../system/system.ts';
import { countParts, takesOf } from '../batch/counts.ts';
import { freshFor } from '../batch/once.ts';
import { createTimeOf } from '../batch/time-of.ts';
import type { Order, QueueNow, RunnerQueue } from '../runner.ts';
import { askAll } from './cluster.ts';
import { failed, type Flux } from './commands.ts';
import { readNativeName } from './key.ts';
import { readJobList, type FluxRecord } from './records.ts';
import { phaseOf } from './status.ts';
import { fluxJobOf, nativeJobspec } from './submit.ts';
import { limitWhereNone } from './time-limit.ts';

/** Questions come many at once. Milliseconds. */
const FRESH_MS = 1_000;
const FEASIBLE_FRESH_MS = 300_000;
const MOST_REMEMBERED = 1_000;
/** What a job without a limit counts as. Seconds. */
const NO_LIMIT = 365 * 86_400;

export function createFluxQueue(
  parts: {
    readonly flux: Flux;
    readonly cluster: string;
    readonly realm: string;
    readonly containers: ContainerRuntime;
    /** Answers what is missing; '' where it fits. */
    readonly missingFor: (request: ReturnType<typeof readJobspec>['request']) => Promise<string>;
  },
  { clock }: System,
): RunnerQueue {
  const { flux, realm } = parts;
  const all = freshFor(FRESH_MS, clock, () => askAll(flux));
  const queued = freshFor(FRESH_MS, clock, () => askQueued(flux));
  /** By shape. */
  const asked = new Map<string, { readonly at: number; readonly answer: Promise<string> }>();

  const feasible = (question: BidQuestion, jobspec: string): Promise<string> => {
    const known = asked.get(question.shape);
    const at = clock.monotonic();
    if (known !== undefined && at - known.at <= FEASIBLE_FRESH_MS) return known.answer;
    const answer = isFeasible(flux, jobspec);
    answer.catch(() => asked.delete(question.shape));
    if (asked.size >= MOST_REMEMBERED) asked.clear();
    asked.set(question.shape, { at, answer });
    return answer;
  };

  return {
    async look(question) {
      let jobspec: string;
      try {
        jobspec = wouldBe(question, parts, (await all()).queues);
      } catch (error) {
        if (error instanceof RainbowError) return { refusal: { code: 'cannot_start', message: error.message } };
        throw error;
      }
      const { attributes } = JSON.parse(jobspec) as { attributes: { system: { queue?: unknown } } };
      const wanted = typeof attributes.system.queue === 'string' ? attributes.system.queue : '';
      const found = await all();
      const queue =
        found.queues.find(({ name, facts }) => (wanted === '' ? facts['default'] === true : name === wanted)) ?? null;
      const why =
        (await parts.missingFor(readJobspec(question.jobspec).request)) ||
        refusalOf(question, wanted, queue) ||
        (await feasible(question, jobspec));
      if (why !== '') return { refusal: { code: 'never_fits', message: why } };
      return queueOf(queue, found, await queued(), { realm, now: clock.now() });
    },
    timeOf: createTimeOf(async () => (await all()).queues, false),
  };
}

/** Where it asks for no time it gets one that the queue lets it have. */
function refusalOf({ jobspec }: BidQuestion, wanted: string, queue: FoundPartition | null): string {
  if (queue === null) return wanted === '' ? '' : `there is no queue ${wanted}`;
  const { name, facts } = queue;
  const { walltime, request } = readJobspec(jobspec);
  const asked = { queue: wanted === '' ? null : wanted, walltime };
  return overLimit(asked, [limitOf(name, facts)]) || overSize(asked.queue, wants(request), [sizeLimitOf(name, facts)]);
}

/** The jobspec that would be submitted. Throws as `fluxJobOf`. */
function wouldBe(
  { jobspec, walltime, priority }: BidQuestion,
  { cluster, realm, containers }: { cluster: string; realm: string; containers: ContainerRuntime },
  queues: readonly FoundPartition[],
): string {
  const order: Order = { jobId: '1', epoch: 1, name: '', owner: '', jobspec, walltime, priority };
  const name = { jobId: '1', epoch: 1, realm, nonce: '0'.repeat(12) };
  const limit = limitWhereNone(queues, readJobspec(jobspec).queue, walltime);
  const where = { cluster, runDir: '/', environment: {}, containers, limit };
  return nativeJobspec(fluxJobOf(order, containers), order, name, where);
}

/** Everybody's that have not ended. */
async function askQueued(flux: Flux): Promise<readonly FluxRecord[]> {
  const answer = await flux.ask(['job', 'list', '-u', 'all']);
  if (answer.code !== 0) throw failed('flux job list', answer);
  return readJobList(answer.stdout);
}

/** Prints `yes`, `never WHY`, or `unknown` where there is no such service. */
const PROGRAM = `
import errno, json, sys
import flux
try:
    flux.Flux().rpc("feasibility.check", {"jobspec": json.load(sys.stdin)}).get()
    print("yes")
except OSError as error:
    print("unknown" if error.errno == errno.ENOSYS else "never " + str(error.strerror))
`;

/** Why it never could run, in Flux's words; '' where it could, or nobody says. Throws `unavailable`. */
export async function isFeasible(flux: Flux, jobspec: string): Promise<string> {
  const answer = await flux.ask(['python', '-c', PROGRAM], { input: jobspec });
  if (answer.code !== 0) throw failed('feasibility.check', answer);
  return readFeasible(answer.stdout);
}

/** Throws `unavailable` where that is no answer. */
export function readFeasible(stdout: string): string {
  const said = stdout.trim();
  if (said === 'yes' || said === 'unknown') return '';
  if (said.startsWith('never ')) return `Flux says that it can never run: ${said.slice(6)}`;
  throw new RainbowError('unavailable', `the feasibility service said ${JSON.stringify(said.slice(0, 200))}`);
}

/** Pure. `queue` null: there is but one. */
export function queueOf(
  queue: FoundPartition | null,
  { nodes, down, allocated }: Pick<FluxCluster, 'nodes' | 'down' | 'allocated'>,
  jobs: readonly FluxRecord[],
  { realm, now }: { readonly realm: string; readonly now: number },
): QueueNow {
  const serving = nodes.filter(
    ({ name, rank }) => (queue === null || queue.nodes.includes(name)) && !down.has(rank ?? -1),
  );
  const keyOf = (name: string): QueueNow['running'][number]['key'] => {
    const key = readNativeName(name);
    return key !== null && key.realm === realm ? { jobId: key.jobId, epoch: key.epoch } : null;
  };
  const walltimeOf = ({ duration }: FluxRecord): number => (duration > 0 ? duration : NO_LIMIT);
  const counted = countParts(
    serving.map(({ name, rank, sockets }) => ({
      name,
      cores: sockets.reduce((sum, { cores }) => sum + cores, 0),
      gpus: sockets.reduce((sum, { devices }) => sum + devices.reduce((each, { count }) => each + count, 0), 0),
      coresTaken: allocated.get(rank ?? -1)?.cores.length ?? 0,
      gpusTaken: allocated.get(rank ?? -1)?.gpus.length ?? 0,
    })),
    jobs.flatMap((job) => {
      const phase = phaseOf(job.state);
      if (phase !== 'running' && phase !== 'completing') return [];
      const elapsed = Math.max(0, (now - (job.startedAt ?? now)) / 1000);
      const { cores, nodes: list } = job;
      return [{ key: keyOf(job.name), cores, gpus: 0, nodes: expandHosts(list), walltime: walltimeOf(job), elapsed }];
    }),
  );
  const waiting = jobs
    .filter(({ state, priority, queue: its }) => state === 'SCHED' && priority > 0 && (queue?.name ?? its) === its)
    .sort((a, b) => b.priority - a.priority || (a.submittedAt ?? 0) - (b.submittedAt ?? 0))
    .map((job) => ({
      key: keyOf(job.name),
      takes: takesOf({ nodes: job.nodeCount, cores: job.cores, gpus: 0 }, job.cores === 0, counted.total),
      walltime: walltimeOf(job),
      planned: job.expectedStart === null ? null : Math.max(0, (job.expectedStart - now) / 1000),
    }));
  return { name: queue?.name ?? '', ...counted, waiting, planned: null, isClosed: false };
}

/**
 * What a submit would come to, for a dry run: dependencies, array and times are looked at with the core's own code, as the
 * server does it, and refused in the same words. Nothing is stored. Where it stops: `unlooked`.
 */
import type { RainbowClient } from '../client/client.ts';
import { RainbowError } from '../core/errors.ts';
import { MOST_ARRAY_TASKS, readArraySpec } from '../core/job/array-spec.ts';
import { toldBy, type DependedOn } from '../core/job/depended-on.ts';
import { checkTimes } from '../core/job/times.ts';
import { dependenciesText, type Dependency } from '../core/job/waits.ts';
import { isoOf } from '../core/iso-time.ts';
import type { Candidate, Job } from '../gen/rainbow/v1/job_pb.js';
import { clean } from './paint.ts';
import { milliseconds, type WireTime } from './present/time.ts';
import { dependencyWord, fitsWord, stateWord } from './present/words.ts';
import type { SubmitOptions } from './submit-options.ts';

/** What the call of a submit would say of when. */
export interface When {
  readonly dependencies: readonly Pick<Job['dependencies'][number], 'kind' | 'on' | 'minutes'>[];
  readonly array: string;
  readonly hold: boolean;
  readonly waitForCluster: boolean;
  readonly beginAt?: WireTime;
  readonly startBefore?: WireTime;
  readonly deadline?: WireTime;
}

/** What it waits for, whatever fits. */
export interface Waiting {
  /** Why it can never start; null: it still can. */
  readonly never: string | null;
  /** In words. */
  readonly causes: readonly string[];
  /** 0: no array. */
  readonly tasks: number;
}

/** Throws as the submit itself would. `walltime`: seconds, null where the jobspec asks for none. */
export async function waitingOf(
  client: RainbowClient,
  when: When,
  walltime: number | null,
  now: number,
  signal: AbortSignal,
): Promise<Waiting> {
  const open: Dependency[] = [];
  let never: string | null = null;
  for (const { kind: number, on, minutes } of when.dependencies) {
    const kind = dependencyWord(number);
    if (kind === null) continue;
    const dependency = { kind, on: on === '0' ? '' : on, minutes };
    // Also what is only waited for has to be there.
    const found = kind === 'singleton' ? null : await client.jobs.get({ id: on }, { signal });
    if (found === null || kind === 'after' || kind === 'singleton') {
      open.push(dependency);
      continue;
    }
    const told = toldBy({ kind, on }, dependedOn(found));
    never ??= told.never;
    if (told.verdict !== 'met') open.push(dependency);
  }
  const ms = (time: WireTime | undefined): number | null => (time === undefined ? null : milliseconds(time));
  const times = { beginAt: ms(when.beginAt), startBefore: ms(when.startBefore), deadline: ms(when.deadline) };
  const tasks = asTold(() => {
    checkTimes(times, walltime, now);
    return when.array === '' ? 0 : readArraySpec(when.array, 'array', MOST_ARRAY_TASKS).tasks.length;
  });
  const { beginAt } = times;
  return {
    never,
    tasks,
    causes: [
      ...(when.hold ? ['held, until "rainbow job release"'] : []),
      ...(open.length === 0 ? [] : [`waits for ${dependenciesText(open)}`]),
      ...(beginAt === null || beginAt <= now ? [] : [`not before ${isoOf(beginAt)}`]),
    ],
  };
}

/** What is wrong as a server tells it, by the call's field: flag-errors.ts has the flag's words for that. */
function asTold<T>(look: () => T): T {
  try {
    return look();
  } catch (error) {
    throw error instanceof RainbowError ? new RainbowError(error.code, error.message, { cause: error }) : error;
  }
}

function dependedOn(job: Job): DependedOn {
  if (job.array === undefined) return { state: stateWord(job.state) ?? 'pending', reason: job.reason?.code ?? '' };
  const counts = Object.fromEntries(job.array.counts.map(({ state, tasks }) => [stateWord(state) ?? '', tasks]));
  return { counts, ended: job.endedAt !== undefined };
}

export interface Coming {
  /** In which it would be stored; null: it would be refused. */
  readonly state: 'assigned' | 'pending' | 'canceled' | 'rejected' | null;
  /** '' where it is plain. */
  readonly words: string;
}

/** `barred`: those that could hold it and would not be given it now, and why. */
export function whatWouldCome(
  candidates: readonly Candidate[],
  barred: ReadonlyMap<string, string>,
  { never, causes, tasks }: Waiting,
  mayWait: boolean,
): Coming {
  if (never !== null) return { state: 'canceled', words: `it would be canceled: ${clean(never)}` };
  const fitting = candidates.filter(({ satisfiable }) => fitsWord(satisfiable) === 'yes');
  const isUnknown = candidates.some(({ satisfiable }) => fitsWord(satisfiable) === 'unknown');
  if (fitting.length === 0 && !isUnknown && !mayWait) {
    return candidates.length === 0 ? { state: null, words: '' } : { state: 'rejected', words: 'it would be rejected' };
  }
  const isBarred = fitting.length > 0 && !isUnknown && fitting.every(({ cluster }) => barred.has(cluster));
  const all = [
    ...causes,
    ...(isBarred ? fitting.map(({ cluster }) => `${clean(cluster)}: ${clean(barred.get(cluster) ?? '')}`) : []),
  ];
  const words = [
    ...(tasks === 0 ? [] : [`it would be an array of ${tasks} ${tasks === 1 ? 'task' : 'tasks'}`]),
    ...(all.length === 0 ? [] : [`it would stay pending: ${all.join('; ')}`]),
    ...(fitting.length > 0
      ? []
      : [
          isUnknown
            ? 'it would wait until it is known whether one can hold it'
            : 'it would wait for a cluster that can hold it',
        ]),
  ];
  const isPlaced = fitting.length > 0 && all.length === 0 && tasks === 0;
  return { state: isPlaced ? 'assigned' : 'pending', words: words.join('; ') };
}

/** Options that only the submit itself is answered for. */
const UNLOOKED: Readonly<Partial<Record<keyof SubmitOptions, string>>> = {
  policy: '--policy',
  policyOption: '--policy-option',
  bidWithin: '--bid-within',
  idempotencyKey: '--idempotency-key',
  stageIn: '--stage-in',
  stageOut: '--stage-out',
};

/** Of what was asked for, what a dry run does not look at; a line, or none. */
export function unlooked(options: SubmitOptions): readonly string[] {
  const flags = Object.entries(UNLOOKED).flatMap(([option, flag]) => (option in options ? [flag] : []));
  return flags.length === 0 ? [] : [`a dry run does not look at ${flags.join(', ')}: the submit itself will`];
}

/**
 * Which processes a placed job starts: pure arithmetic over its tasks and its slots. With a witness the slots are
 * those that were allocated; without one, as many as the jobspec asks for at the least.
 * Limit: 10,000 processes. Stops at tasks that wait for each other: they all start at once, so `depends_on` is refused.
 */
import { invalid, RainbowError } from '../errors.ts';
import type { Witness, WitnessSlot } from '../match/matcher.ts';
import { slotsOf } from './check.ts';
import type { Jobspec, RequestVertex, Task } from './jobspec.ts';

export const MOST_PROCESSES = 10_000;

export interface Launch {
  /** The process's rank in the whole job, from 0. */
  readonly task: number;
  readonly command: readonly string[];
  /** The job's variables with the task's own over them. */
  readonly environment: Readonly<Record<string, string>>;
  /** Variables that the process must not inherit. */
  readonly unset: readonly string[];
}

/** Throws `invalid_input` where there is nothing to run, `resource_exhausted` over the limit, `unimplemented` on depends_on. */
export function launchPlan(jobspec: Jobspec, witness: Witness | null): readonly Launch[] {
  if (jobspec.tasks.length === 0) throw invalid('tasks', 'no task has a command, so there is nothing to run');
  const plan: Launch[] = [];
  for (const task of jobspec.tasks) {
    if (task.dependsOn.length > 0) {
      throw new RainbowError(
        'unimplemented',
        'tasks of one job start together; submit what depends on another as a job of its own',
        {
          place: 'tasks.depends_on',
        },
      );
    }
    const times = processes(jobspec, task, witness);
    if (plan.length + times > MOST_PROCESSES) {
      throw new RainbowError(
        'resource_exhausted',
        `the job starts more than ${MOST_PROCESSES} processes, which is the limit`,
        {
          place: 'tasks',
        },
      );
    }
    const merged = merge(jobspec, task);
    for (let i = 0; i < times; i++) plan.push({ task: plan.length, command: task.command, ...merged });
  }
  return plan;
}

function merge(jobspec: Jobspec, task: Task): Pick<Launch, 'environment' | 'unset'> {
  const environment: Record<string, string> = Object.assign(Object.create(null), jobspec.environment);
  for (const name of task.unset) delete environment[name];
  Object.assign(environment, task.environment);
  const unset = [...new Set([...jobspec.unset, ...task.unset])].filter((name) => !(name in environment));
  return { environment, unset };
}

function processes(jobspec: Jobspec, task: Task, witness: Witness | null): number {
  const { count } = task;
  if (count.per === 'total') return count.n;
  const slots = slotsOf(jobspec, task);
  const placed = witness === null ? null : placedSlots(witness, task, slots);
  if (count.per === 'slot') return count.n * (placed?.length ?? sum(slots.map((slot) => leastSlots(jobspec, slot))));
  const perSlot = (slot: RequestVertex): number => leastOf(slot.with, count.type);
  if (placed === null) return count.n * sum(slots.map((slot) => leastSlots(jobspec, slot) * perSlot(slot)));
  const paths = new Set(slots.flatMap((slot) => pathsOf(slot.with, count.type)));
  const claimed = placed.flatMap((slot) => slot.claims).filter((claim) => paths.has(claim.request));
  return count.n * sum(claimed.map((claim) => claim.amount));
}

/** The allocated slots of the task; all of them where the task names none. */
function placedSlots(witness: Witness, task: Task, slots: readonly RequestVertex[]): readonly WitnessSlot[] {
  const all = witness.groups.flatMap((group) => group.slots);
  const label = task.slot === null ? (slots[0]?.label ?? null) : task.slot;
  return all.filter((slot) => slot.label === label);
}

/** How many copies of this slot the request asks for at the least: its count times those of the vertices above it. */
function leastSlots(jobspec: Jobspec, slot: RequestVertex): number {
  const walk = (vertices: readonly RequestVertex[], times: number): number =>
    sum(
      vertices.map((vertex) => {
        const here = times * (vertex.replicas ?? vertex.count.min);
        return vertex === slot ? here : walk(vertex.with, here);
      }),
    );
  return sum(jobspec.request.groups.map((group) => walk(group.vertices, 1)));
}

function leastOf(vertices: readonly RequestVertex[], type: string): number {
  return sum(vertices.map((vertex) => vertex.count.min * (vertex.type === type ? 1 : leastOf(vertex.with, type))));
}

function pathsOf(vertices: readonly RequestVertex[], type: string): readonly string[] {
  return vertices.flatMap((vertex) => [...(vertex.type === type ? [vertex.path] : []), ...pathsOf(vertex.with, type)]);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

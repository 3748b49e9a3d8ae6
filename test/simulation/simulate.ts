/**
 * Many lives, one after the other, each of a seed of its own: until so many steps are taken, or one of them finds
 * what does not hold. That one is then lived again with less and less done to it, to see what the failure needs.
 */
import { live, type Outcome, type Ports } from './life.ts';
import { planOf, type Action, type Plan } from './plan.ts';

/** Lives that may be spent on finding out what a failure needs. */
const MOST_RETRIES = 80;

export interface Failure {
  readonly seed: number;
  /** In its whole form, of that life. */
  readonly step: number;
  readonly violation: string;
  readonly last: readonly string[];
  /** What is left of the plan and fails still, of so many actions. */
  readonly needed: readonly Action[];
  readonly planned: number;
}

export interface Simulated {
  readonly lives: number;
  readonly steps: number;
  /** Of all lives together. */
  readonly seen: Readonly<Record<string, number>>;
  readonly failure: Failure | null;
}

export interface SimulateOptions {
  /** Of the first life; the next is one more. */
  readonly seed: number;
  /** The last life is lived to its end. */
  readonly steps: number;
  readonly ports?: Ports;
  /** Find out what a failure needs; true unless told otherwise. */
  readonly shrinks?: boolean;
  readonly lived?: (seed: number, outcome: Outcome) => void;
}

export async function simulate(options: SimulateOptions): Promise<Simulated> {
  const { ports = {}, shrinks = true } = options;
  const seen: Record<string, number> = {};
  let steps = 0;
  let lives = 0;
  for (let seed = options.seed; steps < options.steps; seed++) {
    const plan = planOf(seed);
    const outcome = await live(seed, plan, ports);
    lives += 1;
    steps += outcome.steps;
    for (const [what, count] of Object.entries(outcome.seen)) seen[what] = (seen[what] ?? 0) + count;
    options.lived?.(seed, outcome);
    const { violation } = outcome;
    if (violation === null) continue;
    const needed = shrinks ? await shrink(seed, plan, violation, ports) : plan.actions;
    const { last } = outcome;
    const failure = { seed, step: outcome.steps, violation, last, needed, planned: plan.actions.length };
    return { lives, steps, seen, failure };
  }
  return { lives, steps, seen, failure: null };
}

/** Leaves out halves, quarters … single actions, as long as the same kind of thing fails. */
async function shrink(seed: number, plan: Plan, violation: string, ports: Ports): Promise<readonly Action[]> {
  let { actions } = plan;
  let retries = 0;
  for (let size = Math.ceil(actions.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < actions.length && retries < MOST_RETRIES;) {
      const fewer = actions.filter((_, place) => place < from || place >= from + size);
      retries += 1;
      const outcome = await live(seed, { ...plan, actions: fewer }, ports);
      if (outcome.violation !== null && kindOf(outcome.violation) === kindOf(violation)) actions = fewer;
      else from += size;
    }
  }
  return actions;
}

export function kindOf(violation: string): string {
  return violation.slice(0, violation.indexOf(':'));
}

/** For people. */
export function describeFailure({ seed, step, violation, last, needed, planned }: Failure): string {
  return [
    `does not hold: ${violation}`,
    `in the life of seed ${seed}, at its step ${step}`,
    `of ${planned} actions it needs ${needed.length}:`,
    ...needed.map((action) => `  ${action.kind} (${action.pick}) after ${action.steps} steps and ${action.ms} ms`),
    'the last that happened:',
    ...last.map((line) => `  ${line}`),
    `again: npm run simulate-faults -- --seed ${seed} --steps 1`,
  ].join('\n');
}

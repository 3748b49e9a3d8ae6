/**
 * The steps of the `constraint` policy. Each takes the clusters that are left, in order, and keeps some:
 * filter: those for which the expression is true (an error or another kind of value drops the cluster);
 * calc `name=expression`: all, with a new variable (an error leaves it undefined there);
 * sort_ascending, sort_descending: those with a numeric value, smallest or largest first, ties as they stood;
 * select random, first, last: all, the chosen one in front. It ends a priority.
 */
import type { Place } from '../jobspec/place.ts';
import { kindOf as kindOfPlace, text, wrong } from '../jobspec/place.ts';
import type { SeededRandom } from '../random.ts';
import { ExpressionError } from './expression/error.ts';
import { evaluate, kindOf } from './expression/evaluate.ts';
import type { Value } from './expression/evaluate.ts';
import { parseExpression } from './expression/parse.ts';
import type { ExpressionNode } from './expression/parse.ts';
import { listed } from './order.ts';

export type Step =
  | { readonly kind: 'filter'; readonly text: string; readonly expression: ExpressionNode }
  | { readonly kind: 'calc'; readonly text: string; readonly name: string; readonly expression: ExpressionNode }
  | { readonly kind: 'sort'; readonly variable: string; readonly descending: boolean }
  | { readonly kind: 'select'; readonly method: 'random' | 'first' | 'last' };

export interface Candidate {
  readonly cluster: string;
  readonly values: ReadonlyMap<string, Value>;
}

interface StepResult {
  readonly kept: readonly Candidate[];
  /** What it did, for people. */
  readonly note: string;
}

/** Throws `invalid_input` with the place in the option, and in the expression. */
export function readStep(name: string, place: Place): Step {
  switch (name) {
    case 'filter':
      return { kind: 'filter', text: text(place), expression: readExpression(text(place), 0, place) };
    case 'calc':
      return readCalc(place);
    case 'sort_ascending':
    case 'sort_descending':
      return { kind: 'sort', variable: readVariable(place), descending: name === 'sort_descending' };
    case 'select': {
      const method = text(place);
      if (method === 'random' || method === 'first' || method === 'last') return { kind: 'select', method };
      throw wrong(place, `must be random, first or last, not ${kindOfPlace(place)}`);
    }
    default:
      throw wrong(
        place,
        `there is no step ${JSON.stringify(name.slice(0, 40))}; there are filter, calc, sort_ascending, sort_descending, select`,
      );
  }
}

function readCalc(place: Place): Step {
  const written = text(place);
  const equals = written.indexOf('=');
  const name = written.slice(0, Math.max(equals, 0)).trim();
  if (equals < 0 || !/^[\p{L}_][\p{L}\p{N}_.-]*$/u.test(name)) {
    throw wrong(place, `must be name=expression with a plain name, not ${kindOfPlace(place)}`);
  }
  return {
    kind: 'calc',
    text: written,
    name,
    expression: readExpression(written.slice(equals + 1), equals + 1, place),
  };
}

function readVariable(place: Place): string {
  const variable = text(place).trim();
  if (variable === '') throw wrong(place, 'must name the variable to sort by');
  return /^\[(.+)\]$/.exec(variable)?.[1] ?? variable;
}

function readExpression(written: string, offset: number, place: Place): ExpressionNode {
  try {
    return parseExpression(written);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const where = error.at === null ? '' : `, character ${error.at + offset + 1}`;
    const what = error.at === null ? error.message : error.message.replace(/ \(at character \d+\)$/, '');
    throw wrong({ ...place, path: `${place.path}${where}` }, what);
  }
}

export function runStep(
  step: Step,
  candidates: readonly Candidate[],
  fuel: { left: number },
  random: SeededRandom,
): StepResult {
  switch (step.kind) {
    case 'filter':
      return runFilter(step, candidates, fuel);
    case 'calc':
      return runCalc(step, candidates, fuel);
    case 'sort':
      return runSort(step, candidates);
    case 'select':
      return runSelect(step.method, candidates, random);
    default:
      return step satisfies never;
  }
}

function runFilter(
  step: Step & { kind: 'filter' },
  candidates: readonly Candidate[],
  fuel: { left: number },
): StepResult {
  const dropped: string[] = [];
  const kept = candidates.filter((candidate) => {
    const result = attempt(step.expression, candidate, fuel);
    if (result.value === true) return true;
    const why = result.problem ?? (result.value === false ? '' : `gave ${kindOf(result.value)}`);
    dropped.push(why === '' ? candidate.cluster : `${candidate.cluster} (${why})`);
    return false;
  });
  return { kept, note: `filter ${step.text}: kept ${kept.length}${listed(', dropped ', dropped)}` };
}

function runCalc(step: Step & { kind: 'calc' }, candidates: readonly Candidate[], fuel: { left: number }): StepResult {
  const problems: string[] = [];
  const kept = candidates.map((candidate) => {
    const values = new Map(candidate.values);
    const result = attempt(step.expression, candidate, fuel);
    values.delete(step.name);
    if (result.problem === null) values.set(step.name, result.value);
    else problems.push(`${candidate.cluster} (${result.problem})`);
    return { cluster: candidate.cluster, values };
  });
  return { kept, note: `calc ${step.text}${listed(': undefined for ', problems)}` };
}

function runSort(step: Step & { kind: 'sort' }, candidates: readonly Candidate[]): StepResult {
  const dropped: string[] = [];
  const valued: { candidate: Candidate; value: number }[] = [];
  for (const candidate of candidates) {
    const value = candidate.values.get(step.variable);
    if (typeof value === 'number' && !Number.isNaN(value)) valued.push({ candidate, value });
    else dropped.push(candidate.cluster);
  }
  // Infinity minus itself is no number, so compare rather than subtract.
  const ascending = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);
  valued.sort((a, b) => (step.descending ? ascending(b.value, a.value) : ascending(a.value, b.value)));
  const direction = step.descending ? 'descending' : 'ascending';
  const order = valued.map(({ candidate, value }) => `${candidate.cluster} ${Number(value.toPrecision(6))}`);
  return {
    kept: valued.map(({ candidate }) => candidate),
    note: `sort ${direction} ${step.variable}${listed(': ', order)}${listed('; without a number ', dropped)}`,
  };
}

function runSelect(
  method: 'random' | 'first' | 'last',
  candidates: readonly Candidate[],
  random: SeededRandom,
): StepResult {
  const index = method === 'first' ? 0 : method === 'last' ? candidates.length - 1 : random.below(candidates.length);
  const chosen = candidates[index]!;
  const kept = [chosen, ...candidates.filter((candidate) => candidate !== chosen)];
  return { kept, note: `select ${method} of ${candidates.length}: ${chosen.cluster}` };
}

type Attempt = { readonly value: Value; readonly problem: null } | { readonly value: null; readonly problem: string };

function attempt(expression: ExpressionNode, candidate: Candidate, fuel: { left: number }): Attempt {
  try {
    return { value: evaluate(expression, { get: (name) => candidate.values.get(name), fuel }), problem: null };
  } catch (error) {
    if (error instanceof ExpressionError) return { value: null, problem: error.message };
    throw error;
  }
}

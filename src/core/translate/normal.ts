/**
 * When are two jobspecs the same? When they ask for the same, run the same and carry the same; not when they are
 * spelt the same: a slot's label only ties tasks to slots, siblings have no order, 2 GiB are 2048 MiB.
 */
import { slotsOf } from '../jobspec/check.ts';
import type { Constraint, Count, Jobspec, RequestVertex } from '../jobspec/jobspec.ts';
import { readJobspec } from '../jobspec/read.ts';
import { Attributes, isMap, takeHeld } from './attributes.ts';
import { bytesIn } from './amounts.ts';

export function sameJobspec(a: string, b: string): boolean {
  return normalForm(a) === normalForm(b);
}

/** Equal texts for equal jobspecs. */
export function normalForm(text: string): string {
  const jobspec = readJobspec(text);
  const attributes = new Attributes(text);
  takeHeld(attributes);
  // Not to be tried again is what happens anyway.
  const retry = attributes.peek('rainbow', 'retry');
  if (isMap(retry) && retry['limit'] === 0) attributes.take('rainbow', 'retry');
  const { name, walltime, cwd, environment, unset, parameters, image, request } = jobspec;
  return canonical({
    name,
    walltime,
    cwd,
    environment,
    unset: [...unset].sort(),
    parameters,
    image,
    groups: request.groups.map(({ vertices, simple }) => ({ simple, vertices: siblings(vertices, false) })),
    constraint: request.constraint === null ? null : normalConstraint(request.constraint),
    tasks: jobspec.tasks.map((task) => ({
      name: task.name,
      command: task.command,
      slot: slotPaths(jobspec, task.slot),
      count: normalCount(jobspec, task),
      environment: task.environment,
      unset: [...task.unset].sort(),
      dependsOn: task.dependsOn,
    })),
    attributes: attributes.tree(),
  });
}

function siblings(vertices: readonly RequestVertex[], inSlot: boolean): readonly string[] {
  return vertices.map((vertex) => canonical(normalVertex(vertex, inSlot))).sort();
}

function normalVertex(vertex: RequestVertex, inSlot: boolean): unknown {
  const { type, count, replicas, unit, exclusive, requires } = vertex;
  const bytes = type === 'memory' && count.min === count.max ? bytesIn(count.min, unit) : null;
  return {
    type,
    count: bytes === null ? countText(count) : `${bytes} B`,
    unit: bytes === null ? unit : '',
    replicas,
    exclusive: exclusive ?? inSlot,
    requires: requires.map(({ subsystem, fields }) => ({ subsystem, fields })),
    with: siblings(vertex.with, inSlot || type === 'slot'),
  };
}

export function countText({ min, max, operator, operand, values }: Count): string {
  if (values !== null) return values.join(',');
  if (min === max) return String(min);
  const step = operator === '+' && operand === 1 ? '' : `:${operand}${operator === '+' ? '' : `:${operator}`}`;
  return max === Infinity ? `${min}+${step}` : `${min}-${max}${step}`;
}

/** Slots by what they are and hold, not by label. */
function slotPaths(jobspec: Jobspec, label: string | null): readonly string[] {
  const slots = slotsOf(jobspec, { slot: label } as Jobspec['tasks'][number]);
  return slots.map((slot) => canonical(normalVertex(slot, false)));
}

/** As many in all as there are slots is one in each. */
function normalCount(jobspec: Jobspec, task: Jobspec['tasks'][number]): unknown {
  const { count } = task;
  if (count.per !== 'total' || jobspec.dialect === 'nextgen') return count;
  const slots = slotsOf(jobspec, task);
  const path = new Set(slots);
  const number = (vertices: readonly RequestVertex[], times: number): number =>
    vertices.reduce((sum, vertex) => {
      const here = times * vertex.count.min;
      const fixed = vertex.count.min === vertex.count.max ? here : NaN;
      return sum + (path.has(vertex) ? fixed : number(vertex.with, fixed));
    }, 0);
  const all = jobspec.request.groups.reduce((sum, { vertices }) => sum + number(vertices, 1), 0);
  return all === count.n ? { per: 'slot', n: 1 } : count;
}

type Normal =
  | { readonly op: 'and' | 'or'; readonly of: readonly Normal[] }
  | { readonly not: Normal }
  | { readonly leaf: string };

/** Nested `and`s and `or`s flat, properties one by one, operands sorted and said once, no double negation. */
function normalConstraint(constraint: Constraint): Normal {
  switch (constraint.op) {
    case 'properties':
      return joined(
        'and',
        constraint.values.map((value): Normal => (value.startsWith('^') ? { not: leaf(value.slice(1)) } : leaf(value))),
      );
    case 'hostlist':
      return { leaf: `hosts(${[...constraint.values].sort().join(',')})` };
    case 'ranks':
      return { leaf: `ranks(${JSON.stringify(constraint.ranks)})` };
    case 'not': {
      const inner = joined('and', constraint.of.map(normalConstraint));
      return 'not' in inner ? inner.not : { not: inner };
    }
    default:
      return joined(constraint.op, constraint.of.map(normalConstraint));
  }
}

function leaf(property: string): Normal {
  return { leaf: JSON.stringify(property) };
}

function joined(op: 'and' | 'or', all: readonly Normal[]): Normal {
  const flat = all.flatMap((each) => ('op' in each && each.op === op ? each.of : [each]));
  const sorted = [...new Map(flat.map((each) => [JSON.stringify(each), each]))].sort(([a], [b]) => (a < b ? -1 : 1));
  const [only] = sorted;
  return only !== undefined && sorted.length === 1 ? only[1] : { op, of: sorted.map(([, each]) => each) };
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (each === Infinity) return 'unbounded';
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/**
 * What a jobspec asks for, in the terms that batch systems have: so many slots, over so many nodes, each with so
 * much. What has no such terms is in the report; a shape that has none at all is refused.
 */
import { invalid } from '../../errors.ts';
import type { Constraint, Count, Jobspec, RequestVertex } from '../../jobspec/jobspec.ts';
import { checkTasks, readJobspec } from '../../jobspec/read.ts';
import { Attributes, takeHeld } from '../attributes.ts';
import type { Report } from '../report.ts';

export interface Bundle {
  readonly cores: number;
  /** Bytes' worth; null: none is asked for. */
  readonly memory: { readonly amount: number; readonly unit: string } | null;
  readonly others: readonly Other[];
}

/** GPUs too. */
export interface Other {
  readonly type: string;
  readonly count: number;
  readonly model: string | null;
}

export interface Asked {
  readonly jobspec: Jobspec;
  /** What the job model does not hold, for the renderer to take from. */
  readonly attributes: Attributes;
  /** null: slots anywhere. */
  readonly nodes: Count | null;
  readonly exclusive: boolean;
  readonly slots: { readonly each: number } | { readonly total: number };
  readonly slot: Bundle;
  /** On each node, beside its slots. */
  readonly beside: Bundle;
  readonly command: readonly string[];
  readonly runs: 'once' | 'each' | { readonly total: number };
  readonly constraint: Constraint | null;
  readonly environment: Readonly<Record<string, string>>;
}

/** Of RFC 14. Throws `invalid_input` where the jobspec is none, or is of a shape that no batch system knows. */
export function readAsked(text: string, report: Report): Asked {
  const jobspec = readJobspec(text);
  checkTasks(jobspec);
  const { groups, constraint } = jobspec.request;
  const [group] = groups;
  if (group === undefined || groups.length > 1) {
    throw invalid('resources', `${groups.length} groups of resources: a batch system takes one request`);
  }
  const attributes = new Attributes(text);
  takeHeld(attributes);
  if (Object.keys(jobspec.parameters).length > 0)
    report.dropped(null, 'attributes.parameter', 'is for Rainbow’s own policies');
  for (const name of jobspec.unset)
    report.dropped(null, `attributes.system.environment.${name}`, 'a variable cannot be unset');
  const shape = readShape(group.vertices, report);
  const { command, runs, environment } = readTasks(jobspec, shape.labels, report);
  return { jobspec, attributes, ...shape, command, runs, constraint, environment };
}

interface Shape {
  readonly nodes: Count | null;
  readonly exclusive: boolean;
  readonly slots: Asked['slots'];
  readonly slot: Bundle;
  readonly beside: Bundle;
  readonly labels: number;
}

const NOTHING: Bundle = { cores: 0, memory: null, others: [] };

function readShape(vertices: readonly RequestVertex[], report: Report): Shape {
  const [first, second] = vertices;
  if (first === undefined || vertices.length > 2) throw unknownShape('resources');
  if (second !== undefined) return readUneven(first, second, report);
  const inner = first.with[0];
  if (first.type === 'slot' && inner?.type === 'node' && first.with.length === 1 && inner.count.max === 1) {
    report.altered(null, first.path, 'one slot on each node', 'slots are in nodes, not around them');
    dropRequires(inner, report);
    return {
      nodes: first.count,
      exclusive: inner.exclusive !== false,
      slots: { each: 1 },
      slot: bundleOf(inner.with, true, report),
      beside: NOTHING,
      labels: 1,
    };
  }
  if (first.type === 'slot') {
    return {
      nodes: null,
      exclusive: false,
      slots: { total: fixed(first, report) },
      slot: bundleOf(first.with, true, report),
      beside: NOTHING,
      labels: 1,
    };
  }
  return { ...readNode(first, report), nodes: first.count, labels: 1 };
}

/** Two node entries whose slots differ by one in number: T tasks over N nodes. */
function readUneven(more: RequestVertex, less: RequestVertex, report: Report): Shape {
  const quiet: Report = report;
  const [a, b] = [readNode(more, quiet), readNode(less, quiet)];
  const of = (shape: Omit<Shape, 'nodes' | 'labels'>): number => ('each' in shape.slots ? shape.slots.each : 0);
  const same = JSON.stringify([a.slot, a.beside, a.exclusive]) === JSON.stringify([b.slot, b.beside, b.exclusive]);
  const [n, m] = [more.count, less.count];
  if (!same || of(a) !== of(b) + 1 || n.min !== n.max || m.min !== m.max) throw unknownShape('resources');
  const nodes: Count = { min: n.min + m.min, max: n.min + m.min, operator: '+', operand: 1, values: null };
  return { ...a, nodes, slots: { total: n.min * of(a) + m.min * of(b) }, labels: 2 };
}

function readNode(node: RequestVertex, report: Report): Omit<Shape, 'nodes' | 'labels'> {
  if (node.type !== 'node' || node.replicas !== null) throw unknownShape(node.path);
  const slots = node.with.filter(({ type }) => type === 'slot');
  const [slot] = slots;
  if (slot === undefined || slots.length > 1) throw unknownShape(node.path);
  dropRequires(node, report);
  return {
    exclusive: node.exclusive === true,
    slots: { each: fixed(slot, report) },
    slot: bundleOf(slot.with, true, report),
    beside: bundleOf(
      node.with.filter((each) => each !== slot),
      false,
      report,
    ),
  };
}

function bundleOf(vertices: readonly RequestVertex[], inSlot: boolean, report: Report): Bundle {
  let cores = 0;
  let memory: Bundle['memory'] = null;
  const others: Other[] = [];
  for (const vertex of vertices) {
    if (vertex.with.length > 0) {
      report.dropped(null, vertex.path, `what a ${vertex.type} holds cannot be said`);
    }
    const count = fixed(vertex, report);
    if (vertex.type === 'core') {
      dropRequires(vertex, report);
      sharing(vertex, inSlot, inSlot, report);
      cores += count;
    } else if (vertex.type === 'memory') {
      dropRequires(vertex, report);
      sharing(vertex, inSlot, inSlot, report);
      if (memory !== null) throw unknownShape(vertex.path);
      memory = { amount: count, unit: vertex.unit };
    } else if (['node', 'slot', 'rack', 'cluster', 'socket'].includes(vertex.type)) {
      throw unknownShape(vertex.path);
    } else {
      sharing(vertex, inSlot, true, report);
      if (vertex.unit !== '') report.dropped(null, `${vertex.path}.unit`, 'no unit can be said');
      others.push({ type: vertex.type, count, model: modelOf(vertex, report) });
    }
  }
  if (inSlot && cores === 0) {
    report.altered(
      null,
      vertices[0]?.path ?? 'resources',
      'one core in each slot',
      'a slot without cores cannot be said',
    );
    cores = 1;
  }
  return { cores, memory, others };
}

/** Is it shared where it can only be had alone, or the other way? */
function sharing(vertex: RequestVertex, inSlot: boolean, alone: boolean, report: Report): void {
  const is = vertex.exclusive ?? inSlot;
  if (is === alone) return;
  report.altered(null, `${vertex.path}.exclusive`, alone ? 'had alone' : 'shared', 'it cannot be said here');
}

function modelOf(vertex: RequestVertex, report: Report): string | null {
  const [requirement] = vertex.requires;
  const [field] = requirement?.fields ?? [];
  const isModel =
    vertex.requires.length === 1 &&
    requirement?.subsystem === null &&
    requirement.fields.length === 1 &&
    field?.field === 'model' &&
    field.match !== null &&
    field.min === null &&
    field.max === null;
  if (isModel) return field.match;
  dropRequires(vertex, report);
  return null;
}

function dropRequires(vertex: RequestVertex, report: Report): void {
  if (vertex.requires.length > 0) report.dropped(null, `${vertex.path}.requires`, 'no property of it can be asked for');
}

/** The least of a range. */
function fixed({ count, path }: RequestVertex, report: Report): number {
  if (count.min !== count.max) report.altered(null, `${path}.count`, String(count.min), 'a range is for nodes alone');
  return count.min;
}

function readTasks(jobspec: Jobspec, labels: number, report: Report): Pick<Asked, 'command' | 'runs' | 'environment'> {
  const [task, other, ...more] = jobspec.tasks;
  if (task === undefined) throw invalid('tasks', 'no task has a command, so there is nothing to run');
  // Two, the same, one for each of two slots.
  const twins =
    other !== undefined &&
    labels === 2 &&
    more.length === 0 &&
    JSON.stringify({ ...task, slot: '' }) === JSON.stringify({ ...other, slot: '' });
  if (other !== undefined && (!twins || task.slot === other.slot)) {
    for (let i = 1; i < jobspec.tasks.length; i++)
      report.dropped(null, `tasks[${i}]`, 'a batch job starts one program');
  }
  for (const name of task.unset)
    report.dropped(null, `tasks[0].attributes.environment.${name}`, 'a variable cannot be unset');
  if (Object.keys(task.environment).length > 0) {
    report.altered(null, 'tasks[0].attributes.environment', 'the job’s variables', 'a task has none of its own');
  }
  const { count } = task;
  const environment = { ...jobspec.environment, ...task.environment };
  let runs: Asked['runs'] = 'once';
  if (count.per === 'total') runs = count.n === 1 ? 'once' : { total: count.n };
  else if (count.per === 'slot' && count.n === 1) runs = 'each';
  else {
    runs = 'each';
    report.altered(null, 'tasks[0].count', 'once in each slot', 'it cannot be said how often otherwise');
  }
  if (labels === 2 && runs === 'each' && !twins) {
    report.altered(null, 'tasks[0].slot', 'once in each slot', 'the slots of some nodes alone cannot be named');
  }
  return { command: task.command, runs, environment };
}

function unknownShape(path: string): Error {
  return invalid(
    path,
    'a shape that no batch system has: they take slots, or nodes with slots, of cores, gpus and memory',
  );
}

/**
 * A jobspec of any dialect as RFC 14 YAML. One that is RFC 14 already stays as it is, byte for byte. nextgen's
 * `replicas` become slots; what shares a vertex between replicas has no other word.
 */
import { invalid } from '../../errors.ts';
import type {
  FieldPredicate,
  Jobspec,
  Request,
  RequestGroup,
  RequestVertex,
  Requirement,
} from '../../jobspec/jobspec.ts';
import { checkTasks, readJobspec } from '../../jobspec/read.ts';
import { Attributes, takeHeld } from '../attributes.ts';
import { jsonMap, newDraft, writeDraft } from '../draft.ts';
import type { Draft, DraftTask, DraftVertex, Json } from '../draft.ts';
import { layOut } from '../layout.ts';
import { countText } from '../normal.ts';
import { Report } from '../report.ts';
import type { Rendered } from './rendered.ts';

export function renderRfc14(text: string): Rendered {
  const report = new Report();
  const jobspec = readJobspec(text);
  checkTasks(jobspec);
  if (jobspec.dialect === 'rfc14' || jobspec.dialect === 'rfc25') return { text, report: [] };
  const [group, other] = jobspec.request.groups;
  if (group === undefined || other !== undefined) {
    throw invalid('resources', 'RFC 14 has one request; this has none, or several that are placed one by one');
  }
  const draft = newDraft();
  const attributes = new Attributes(text);
  takeHeld(attributes);
  const resources = resourcesOf(group, report);
  draft.resources = resources;
  const label = labelIn(resources);
  if (label === null) throw invalid('resources', 'holds nothing that could be a slot');
  draft.tasks = jobspec.tasks.map((task, i) => taskOf(task, i, jobspec.dialect, label, report));
  writeHeld(jobspec, draft);
  if (Object.keys(jobspec.parameters).length > 0) {
    report.dropped(null, 'attributes.parameter', 'has no place in RFC 14');
  }
  for (const [path, value] of attributes.rest()) {
    const [root = '', key] = path;
    if (key === undefined || !['system', 'user', 'rainbow'].includes(root)) {
      report.dropped(null, `attributes.${path.join('.')}`, 'has no place in RFC 14');
    } else draft[root as 'system'][key] = value;
  }
  return { text: writeDraft(draft), report: report.sorted() };
}

function resourcesOf({ vertices, simple, key }: RequestGroup, report: Report): readonly DraftVertex[] {
  if (simple !== null) {
    const core: DraftVertex = { type: 'core', count: 1 };
    if (simple.tasks === 0) report.altered(null, `resources.${key}`, 'a core for each task', 'a slot holds something');
    const total = Math.max(simple.nodes, simple.tasks);
    return layOut({ nodes: simple.nodes, exclusive: false, slots: { total }, bundle: [core], beside: [] }).resources;
  }
  return vertices.map((vertex) => {
    const made = vertexOf(vertex, key, report);
    // A group that names no slot is one by itself; in it, too, things are shared that were.
    return labelIn([made]) === null ? { type: 'slot', count: 1, label: labelOf(key), with: [shared(made)] } : made;
  });
}

function shared(vertex: DraftVertex): DraftVertex {
  return {
    ...vertex,
    exclusive: vertex.exclusive ?? false,
    ...(vertex.with === undefined ? {} : { with: vertex.with.map(shared) }),
  };
}

function vertexOf(vertex: RequestVertex, key: string, report: Report): DraftVertex {
  const { type, unit, exclusive, replicas } = vertex;
  const count = countText(vertex.count);
  const plain: DraftVertex = {
    type,
    count: /^\d+$/.test(count) ? Number(count) : count,
    ...(unit === '' ? {} : { unit }),
    ...(exclusive === null ? {} : { exclusive }),
    ...(vertex.requires.length === 0 ? {} : { requires: requiresOf(vertex.requires, vertex.path, report) }),
    ...(vertex.with.length === 0 ? {} : { with: vertex.with.map((each) => vertexOf(each, key, report)) }),
  };
  if (type === 'slot') return { ...plain, label: vertex.label ?? labelOf(key) };
  if (replicas === null) return plain;
  const within = plain.with ?? [];
  // R slots, each inside one vertex that they may share: for a node without properties that is what a slot is.
  if (
    type === 'node' &&
    within.length > 0 &&
    !vertex.countGiven &&
    exclusive !== true &&
    vertex.requires.length === 0
  ) {
    return { type: 'slot', count: replicas, label: labelOf(key), with: within };
  }
  const alone = within.length === 0 || vertex.countGiven || exclusive === true;
  if (!alone)
    report.altered(
      null,
      `${vertex.path}.replicas`,
      `${replicas} × ${type}, each its own`,
      'that replicas may share it cannot be said',
    );
  const inner: DraftVertex = { ...plain, ...(exclusive === true ? {} : { exclusive: false }) };
  return { type: 'slot', count: replicas, label: labelOf(key), with: [inner] };
}

function labelOf(key: string): string {
  return key === '' ? 'task' : key;
}

function labelIn(vertices: readonly DraftVertex[]): string | null {
  for (const { type, label, with: within } of vertices) {
    if (type === 'slot') return label ?? null;
    const found = within === undefined ? null : labelIn(within);
    if (found !== null) return found;
  }
  return null;
}

/** Entries of one binding stay together: what the binding before it has too comes first. */
function requiresOf(all: readonly Requirement[], path: string, report: Report): readonly Json[] {
  const seen = new Map<string | null, ReadonlySet<string>>();
  return all.flatMap(({ subsystem, fields }) => {
    const before = seen.get(subsystem) ?? new Set();
    seen.set(subsystem, new Set(fields.map(({ field }) => field)));
    const sorted = [...fields].sort((a, b) => Number(before.has(b.field)) - Number(before.has(a.field)));
    return sorted.map((each) => entryOf(subsystem ?? 'cluster', each, path, report));
  });
}

function entryOf(name: string, { field, match, min, max }: FieldPredicate, path: string, report: Report): Json {
  const bound = (scalar: FieldPredicate['min']): Json => {
    if (scalar === null) return null;
    if (scalar.number === null) return scalar.text;
    if (String(scalar.number) === scalar.text) return scalar.number;
    report.altered(null, `${path}.requires`, scalar.text, 'a number is written as text, to keep its digits');
    return scalar.text;
  };
  return jsonMap({
    name,
    field,
    ...(match === null ? {} : { match }),
    ...(min === null ? {} : { min: bound(min) }),
    ...(max === null ? {} : { max: bound(max) }),
  });
}

function taskOf(
  task: Jobspec['tasks'][number],
  index: number,
  dialect: Jobspec['dialect'],
  label: string,
  report: Report,
): DraftTask {
  const { count, environment, unset } = task;
  if (task.dependsOn.length > 0) report.dropped(null, `tasks[${index}].depends_on`, 'tasks of one job start together');
  if (count.per === 'resource')
    report.altered(null, `tasks[${index}].count`, 'once in each slot', 'is counted by resource');
  const variables = jsonMap({ ...environment, ...Object.fromEntries(unset.map((name) => [name, null])) });
  return {
    command: task.command,
    slot: dialect === 'nextgen' ? label : (task.slot ?? label),
    count: count.per === 'total' ? { total: count.n } : { per_slot: count.per === 'slot' ? count.n : 1 },
    ...(Object.keys(variables).length === 0 ? {} : { environment: variables }),
  };
}

function writeHeld(jobspec: Jobspec, { system, user }: Draft): void {
  const { name, walltime, cwd, environment, unset, image, request } = jobspec;
  if (name !== null) system['job'] = jsonMap({ name });
  if (walltime !== null) system['duration'] = walltime;
  if (cwd !== null) system['cwd'] = cwd;
  const variables = jsonMap({ ...environment, ...Object.fromEntries(unset.map((each) => [each, null])) });
  if (Object.keys(variables).length > 0) system['environment'] = variables;
  if (image !== null) user['image'] = image;
  if (request.constraint !== null) system['constraints'] = constraintJson(request.constraint);
}

function constraintJson(constraint: NonNullable<Request['constraint']>): Json {
  switch (constraint.op) {
    case 'properties':
    case 'hostlist':
      return { [constraint.op]: [...constraint.values] };
    case 'ranks':
      return { ranks: [constraint.ranks.map(([a, b]) => (a === b ? String(a) : `${a}-${b}`)).join(',')] };
    default:
      return { [constraint.op]: constraint.of.map(constraintJson) };
  }
}

/**
 * Nextgen v1: `resources` is a map of named groups, each a scheduling request of its own; tasks name groups by key.
 * Taken as the prototype's tools write it: `task` beside `tasks`, commands as one string, user-space `requires` at
 * the top and on tasks (carried, not evaluated), zero values for what is not set.
 */
import { leastTime, readAttributes } from './attributes.ts';
import { exactly } from './count.ts';
import { readDuration } from './duration.ts';
import type { Jobspec, RequestGroup, RequestVertex } from './jobspec.ts';
import { readNextgenTasks } from './nextgen-tasks.ts';
import { boolean, child, entries, isNothing, items, kindOf, positive, refuseMisspelt, text, wrong } from './place.ts';
import type { Place } from './place.ts';
import { checkSlot, readPlainKeys, readType, VertexBudget } from './vertex.ts';

const VERTEX_KEYS = [
  'type',
  'count',
  'replicas',
  'unit',
  'label',
  'exclusive',
  'requires',
  'attributes',
  'schedule',
  'with',
];

export function readNextgen(document: Place): Jobspec {
  const resources = child(document, 'resources');
  const all = resources === null || isNothing(resources) ? [] : readGroups(resources);
  const scheduled = all.some((group) => group.schedule) ? all.filter((group) => group.schedule) : all;
  const groups = scheduled.map(({ key, vertex, simple }): RequestGroup => ({
    key,
    vertices: [vertex],
    // The rule is for a jobspec of one group and nothing more.
    simple: all.length === 1 ? simple : null,
  }));
  const attributes = readAttributes(document);
  const name = child(document, 'name');
  const { cwd, environment, unset, constraint, needs, parameters, image } = attributes;
  const walltime = attributes.walltime ?? longest(scheduled);
  return {
    dialect: 'nextgen',
    name: (name === null || text(name) === '' ? null : text(name)) ?? attributes.name,
    request: { groups, constraint, image: needs },
    tasks: readNextgenTasks(document, groups),
    walltime,
    leastTime: leastTime(attributes, walltime),
    cwd,
    environment,
    unset,
    parameters,
    image,
    queue: attributes.queue,
    allowLossy: attributes.allowLossy,
  };
}

interface Group {
  readonly key: string;
  readonly vertex: RequestVertex;
  readonly simple: RequestGroup['simple'];
  readonly schedule: boolean;
  readonly duration: number | null;
}

function readGroups(resources: Place): readonly Group[] {
  const budget = new VertexBudget();
  return entries(resources).map(([key, place]) => {
    if (/[|&]/.test(key)) {
      throw wrong(
        place,
        `the key ${JSON.stringify(key.slice(0, 60))} combines groups, which has no meaning here; name one`,
      );
    }
    if (place.node.kind !== 'map') throw wrong(place, `must be a map with a type, not ${kindOf(place)}`);
    const vertex = readVertex(place, budget);
    const schedule = child(place, 'schedule');
    const attributes = child(place, 'attributes');
    const duration = attributes === null ? null : child(attributes, 'duration');
    return {
      key,
      vertex,
      simple: simpleShape(vertex, place),
      schedule: schedule !== null && boolean(schedule),
      duration: duration === null ? null : readDuration(duration),
    };
  });
}

function longest(groups: readonly Group[]): number | null {
  const given = groups.map((group) => group.duration).filter((duration) => duration !== null);
  return given.length === 0 ? null : Math.max(...given);
}

function readVertex(place: Place, budget: VertexBudget): RequestVertex {
  budget.spend(place);
  refuseMisspelt(place, VERTEX_KEYS);
  const type = readType(place);
  const count = child(place, 'count');
  const replicas = child(place, 'replicas');
  const within = child(place, 'with');
  const vertex: RequestVertex = {
    type,
    count: exactly(count === null ? 1 : positive(count)),
    countGiven: count !== null,
    replicas: replicas === null ? null : positive(replicas),
    ...readPlainKeys(place),
    with: within === null ? [] : bundle(within).map((each) => readVertex(each, budget)),
  };
  if (type !== 'slot') return vertex;
  checkSlot(vertex, place);
  if (vertex.replicas === null) return vertex;
  // The number of slots may be written either way.
  if (count !== null && vertex.count.min !== vertex.replicas) {
    throw wrong(place, 'a slot has `count` or `replicas`, which mean the same; give one');
  }
  return { ...vertex, count: exactly(vertex.replicas), countGiven: true, replicas: null };
}

/** The documentation also writes one vertex without the list around it. */
function bundle(within: Place): readonly Place[] {
  return within.node.kind === 'map' ? [within] : items(within);
}

/**
 * Spec 3.3, rule 12: {rack, replicas 1, only node(count N) [> core(count T)]} with nothing else set but a label is
 * what the command lines write for N nodes and T tasks.
 */
function simpleShape(rack: RequestVertex, place: Place): RequestGroup['simple'] {
  const node = rack.with[0];
  const nodePlace = bundleOf(place)[0];
  if (node === undefined || nodePlace === undefined || rack.with.length !== 1) return null;
  if (rack.type !== 'rack' || rack.replicas !== 1 || !saysOnly(place, ['type', 'replicas', 'label', 'with']))
    return null;
  if (node.type !== 'node' || !node.countGiven || !saysOnly(nodePlace, ['type', 'count', 'label', 'with'])) return null;
  if (node.with.length === 0) return { nodes: node.count.min, tasks: 0 };
  const core = node.with[0]!;
  const corePlace = bundleOf(nodePlace)[0]!;
  if (node.with.length !== 1 || core.type !== 'core' || !core.countGiven) return null;
  if (!saysOnly(corePlace, ['type', 'count', 'label'])) return null;
  return { nodes: node.count.min, tasks: core.count.min };
}

function bundleOf(place: Place): readonly Place[] {
  const within = child(place, 'with');
  return within === null ? [] : bundle(within);
}

function saysOnly(place: Place, keys: readonly string[]): boolean {
  return entries(place).every(([key, value]) => keys.includes(key) || isNothing(value));
}

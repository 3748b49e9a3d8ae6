/** RFC 14 canonical jobspecs: `resources` is a list, one joint request; tasks name slots by label. */
import { leastTime, readAttributes } from './attributes.ts';
import { readCommand } from './command.ts';
import { readCount } from './count.ts';
import { readEnvironment } from './environment.ts';
import type { Jobspec, RequestVertex, Task } from './jobspec.ts';
import { child, entries, items, positive, refuseMisspelt, required, text, wrong } from './place.ts';
import type { Place } from './place.ts';
import { isRfc25 } from './rfc25.ts';
import { checkSlot, readPlainKeys, readType, VertexBudget } from './vertex.ts';

const VERTEX_KEYS = ['type', 'count', 'unit', 'exclusive', 'with', 'label', 'id', 'requires', 'attributes'];
const TASK_COUNTS = ['per_slot', 'per_resource', 'total'];

export function readRfc14(document: Place): Jobspec {
  const resources = required(document, 'resources', 'what the job needs');
  const vertices = readVertices(resources);
  const tasks = child(document, 'tasks');
  const attributes = readAttributes(document);
  const { name, walltime, cwd, environment, unset, constraint, needs, parameters, image } = attributes;
  const jobspec: Jobspec = {
    dialect: 'rfc14',
    name,
    request: { groups: [{ key: '', vertices, simple: null }], constraint, image: needs },
    tasks: tasks === null ? [] : items(tasks).map((task) => readTask(task)),
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
  return isRfc25(jobspec) ? { ...jobspec, dialect: 'rfc25' } : jobspec;
}

/** The list under `resources`. That labels are unique matters to tasks alone: `check.ts` asks. */
export function readVertices(resources: Place): readonly RequestVertex[] {
  const list = items(resources);
  if (list.length === 0) throw wrong(resources, 'lists no resource; leave `resources` out to ask for none');
  const budget = new VertexBudget();
  return list.map((vertex) => readVertex(vertex, budget));
}

function readVertex(place: Place, budget: VertexBudget): RequestVertex {
  budget.spend(place);
  refuseMisspelt(place, VERTEX_KEYS);
  const type = readType(place);
  const replicas = child(place, 'replicas');
  if (replicas !== null)
    throw wrong(replicas, '`replicas` is of the form in which `resources` is a map; use `type: slot`');
  const count = readCount(required(place, 'count', 'how many, as in `count: 1`'));
  const within = child(place, 'with');
  const vertex: RequestVertex = {
    type,
    count,
    countGiven: true,
    replicas: null,
    ...readPlainKeys(place),
    with: within === null ? [] : items(within).map((each) => readVertex(each, budget)),
  };
  if (type === 'slot') {
    checkSlot(vertex, place);
    if (vertex.label === null || vertex.label === '')
      throw wrong(place, 'a slot needs a `label`, by which tasks name it');
  }
  return vertex;
}

function readTask(place: Place): Task {
  const name = child(place, 'name');
  const attributes = child(place, 'attributes');
  return {
    name: name === null ? null : text(name),
    command: readCommand(required(place, 'command', 'the program and its arguments')),
    slot: text(required(place, 'slot', 'the label of the slot to run in')),
    count: readTaskCount(required(place, 'count', 'how often, as in `count: {per_slot: 1}`')),
    ...readEnvironment(attributes === null ? null : child(attributes, 'environment')),
    dependsOn: [],
  };
}

/** Exactly one of per_slot, per_resource and total; other keys are reserved for extensions. */
export function readTaskCount(place: Place): Task['count'] {
  refuseMisspelt(place, TASK_COUNTS);
  const given = entries(place).filter(([key]) => TASK_COUNTS.includes(key));
  const only = given[0];
  if (only === undefined || given.length > 1) {
    const found = given.map(([key]) => key).join(', ');
    throw wrong(place, `needs exactly one of ${TASK_COUNTS.join(', ')}${found === '' ? '' : `, not ${found}`}`);
  }
  const [key, value] = only;
  if (key === 'per_slot') return { per: 'slot', n: positive(value) };
  if (key === 'total') return { per: 'total', n: positive(value) };
  return {
    per: 'resource',
    type: text(required(value, 'type', 'the type of resource that tasks are counted by')),
    n: positive(required(value, 'count', 'how many tasks for each resource')),
  };
}

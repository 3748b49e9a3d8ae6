/**
 * Tasks of a nextgen jobspec, those of its `groups` (batches) included: a task `{group: G}` stands for the tasks of
 * G, and groups that no task names run by themselves. A task without resources takes those of its batch.
 */
import { readCommand } from './command.ts';
import { readEnvironment } from './environment.ts';
import type { RequestGroup, Task } from './jobspec.ts';
import { child, isNothing, items, kindOf, positive, text, wrong } from './place.ts';
import type { Place } from './place.ts';

const MOST_TASKS = 10_000;

interface Batch {
  readonly resources: string | null;
  readonly tasks: readonly Place[];
  readonly place: Place;
}

export function readNextgenTasks(document: Place, groups: readonly RequestGroup[]): readonly Task[] {
  const batches = readBatches(document);
  const tasks: Task[] = [];
  const named = new Set<string>();

  const take = (place: Place, inherited: string | null, within: readonly string[]): void => {
    if (tasks.length >= MOST_TASKS) throw wrong(place, `more than ${MOST_TASKS} tasks, which is the limit`);
    const batchName = optional(place, 'group');
    if (batchName === null) {
      const task = readTask(place, inherited, groups);
      if (task !== null) tasks.push(task);
      return;
    }
    const batch = batches.get(batchName);
    if (batch === undefined) throw wrong(place, `there is no group named ${JSON.stringify(batchName)}`);
    if (within.includes(batchName)) throw wrong(place, `the group ${JSON.stringify(batchName)} holds itself`);
    if (within.length >= 16) throw wrong(place, 'groups are nested deeper than 16 levels, which is the limit');
    named.add(batchName);
    for (const each of batch.tasks) take(each, batch.resources ?? inherited, [...within, batchName]);
  };

  for (const place of taskList(document)) take(place, null, []);
  // What is named from within another batch is known only once all were walked: roots first.
  for (const batch of batches.values()) {
    for (const place of batch.tasks) {
      const target = optional(place, 'group');
      if (target !== null) named.add(target);
    }
  }
  const loose = [...batches].filter(([name]) => !named.has(name));
  for (const [name, batch] of loose) for (const each of batch.tasks) take(each, batch.resources, [name]);
  return tasks;
}

/** `tasks`, and the `task` that some documents write instead. */
function taskList(document: Place): readonly Place[] {
  const list: Place[] = [];
  for (const key of ['tasks', 'task']) {
    const place = child(document, key);
    if (place === null || isNothing(place)) continue;
    if (place.node.kind === 'map') list.push(place);
    else list.push(...items(place));
  }
  return list;
}

function readBatches(document: Place): ReadonlyMap<string, Batch> {
  const batches = new Map<string, Batch>();
  const pending = groupList(document).map((place) => ({ place, depth: 1 }));
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    const { place, depth } = next;
    const name = optional(place, 'name') ?? place.path;
    if (batches.has(name)) throw wrong(place, `the group ${JSON.stringify(name)} stands there twice`);
    batches.set(name, { resources: resourcesOf(place), tasks: taskList(place), place });
    pending.push(...groupList(place).map((inner) => ({ place: inner, depth: depth + 1 })));
  }
  return batches;
}

function groupList(place: Place): readonly Place[] {
  const groups = child(place, 'groups');
  return groups === null || isNothing(groups) ? [] : items(groups);
}

function readTask(place: Place, inherited: string | null, groups: readonly RequestGroup[]): Task | null {
  const command = child(place, 'command');
  const slot = resourcesOf(place) ?? inherited;
  const replicas = child(place, 'replicas');
  const attributes = child(place, 'attributes');
  const times = replicas === null ? 1 : positive(replicas);
  // A task of steps alone (staging and the like) is for other tools.
  if (command === null) return null;
  return {
    name: optional(place, 'name'),
    command: readCommand(command),
    slot,
    count: { per: 'total', n: times * simpleTasks(groups) },
    ...readEnvironment(attributes === null ? null : child(attributes, 'environment')),
    dependsOn: readDependsOn(place),
  };
}

/** The simple shape asks for T copies in all, at least one on each node. */
function simpleTasks(groups: readonly RequestGroup[]): number {
  const simple = groups[0]?.simple ?? null;
  return simple === null ? 1 : Math.max(simple.tasks, simple.nodes);
}

function readDependsOn(place: Place): readonly string[] {
  const names = child(place, 'depends_on');
  if (names === null || isNothing(names)) return [];
  return names.node.kind === 'scalar' ? [text(names)] : items(names).map(text);
}

function resourcesOf(place: Place): string | null {
  const resources = child(place, 'resources');
  if (resources === null || isNothing(resources)) return null;
  const key = text(resources);
  if (/[|&]/.test(key)) {
    throw wrong(resources, `${kindOf(resources)} combines groups of resources, which has no meaning here; name one`);
  }
  return key;
}

function optional(place: Place, key: string): string | null {
  const found = child(place, key);
  return found === null || text(found) === '' ? null : text(found);
}

/** What a jobspec must meet to be submitted, beyond what matching asks of it. */
import { invalid } from '../errors.ts';
import type { Jobspec, RequestVertex, Task } from './jobspec.ts';

/** Those that were looked at and are right: of a burst most are one and the same. */
const right = new WeakSet<Jobspec>();

/** Throws `invalid_input` where a task names no slot or group or more than one, or counts by a resource not in its slot. */
export function checkTasks(jobspec: Jobspec): void {
  if (right.has(jobspec)) return;
  if (jobspec.tasks.length === 0) {
    throw invalid('tasks', 'there is no task: say what to run, with `tasks: [{command: [program, argument]}]`');
  }
  const byKey = jobspec.dialect === 'nextgen';
  jobspec.tasks.forEach((task, index) => {
    const place = byKey ? `tasks[${index}].resources` : `tasks[${index}].slot`;
    const slots = slotsOf(jobspec, task);
    if (slots.length === 0 && (task.slot !== null || task.count.per === 'resource')) {
      const kind = byKey ? 'group in `resources`' : 'slot';
      const known = knownNames(jobspec).map((name) => JSON.stringify(name));
      const remedy = known.length === 0 ? 'there is none' : `there is ${known.slice(0, 20).join(', ')}`;
      throw invalid(place, `no ${kind} is named ${JSON.stringify(task.slot?.slice(0, 60) ?? '')}; ${remedy}`);
    }
    if (!byKey && task.slot !== null && slots.length > 1) {
      const where = slots.map((slot) => slot.path).join(' and ');
      throw invalid(
        place,
        `the label ${JSON.stringify(task.slot.slice(0, 60))} is on ${slots.length} slots: ${where.slice(0, 200)}`,
      );
    }
    checkPerResource(task, slots, `tasks[${index}].count.per_resource.type`);
  });
  right.add(jobspec);
}

function checkPerResource(task: Task, slots: readonly RequestVertex[], place: string): void {
  if (task.count.per !== 'resource') return;
  const { type } = task.count;
  if (!slots.every((slot) => hasType(slot.with, type))) {
    throw invalid(
      place,
      `the slot ${JSON.stringify(task.slot ?? '')} holds no resource of type ${JSON.stringify(type)}`,
    );
  }
}

/** The vertices that the task's name stands for. */
export function slotsOf(jobspec: Jobspec, task: Task): readonly RequestVertex[] {
  if (jobspec.dialect === 'nextgen') {
    return jobspec.request.groups.filter((group) => group.key === task.slot).flatMap((group) => group.vertices);
  }
  const slots = allSlots(jobspec);
  return task.slot === null ? slots.slice(0, 1) : slots.filter((slot) => slot.label === task.slot);
}

function knownNames(jobspec: Jobspec): readonly string[] {
  if (jobspec.dialect === 'nextgen') return jobspec.request.groups.map((group) => group.key);
  return allSlots(jobspec).map((slot) => slot.label ?? '');
}

function allSlots(jobspec: Jobspec): readonly RequestVertex[] {
  const find = (vertices: readonly RequestVertex[]): RequestVertex[] =>
    vertices.flatMap((vertex) => [...(vertex.type === 'slot' ? [vertex] : []), ...find(vertex.with)]);
  return jobspec.request.groups.flatMap((group) => find(group.vertices));
}

function hasType(vertices: readonly RequestVertex[], type: string): boolean {
  return vertices.some((vertex) => vertex.type === type || hasType(vertex.with, type));
}

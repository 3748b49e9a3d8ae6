/** A jobspec for people: what it asks for as a tree, then what it runs. */
import { counted } from '../../core/translate/counted.ts';
import type { Count, Jobspec, Requirement, RequestVertex, Task } from '../../core/jobspec/jobspec.ts';
import { carried } from '../../core/translate/carrier.ts';
import { clean } from '../paint.ts';

function countText({ min, max, operator, operand, values }: Count): string {
  if (values !== null) return values.join(',');
  if (min === max) return String(min);
  const step = operator === '+' && operand === 1 ? '' : ` in steps of ${operator}${operand}`;
  return max === Number.POSITIVE_INFINITY ? `${min} or more${step}` : `${min} to ${max}${step}`;
}

function requirementText({ subsystem, fields }: Requirement): string {
  const parts = fields.map(({ field, match, min, max }) => {
    const bounds = [
      ...(match === null ? [] : [`${field} = ${match}`]),
      ...(min === null ? [] : [`${field} ≥ ${min.text}`]),
      ...(max === null ? [] : [`${field} ≤ ${max.text}`]),
    ];
    return bounds.join(' and ');
  });
  return `${subsystem === null ? '' : `${subsystem}: `}${parts.join(', ')}`;
}

function vertexText(vertex: RequestVertex): string {
  const count = vertex.replicas === null ? countText(vertex.count) : `${vertex.replicas} replicas in`;
  return [
    `${count} ${vertex.type}`,
    ...(vertex.unit === '' ? [] : [vertex.unit]),
    ...(vertex.label === null ? [] : [`"${vertex.label}"`]),
    ...(vertex.exclusive === null ? [] : [vertex.exclusive ? 'exclusive' : 'shared']),
    ...vertex.requires.map((requirement) => `requires (${requirementText(requirement)})`),
  ].join(' ');
}

function draw(vertices: readonly RequestVertex[], indent: string, lines: string[]): void {
  for (const vertex of vertices) {
    lines.push(`${indent}${clean(vertexText(vertex))}`);
    draw(vertex.with, `${indent}  `, lines);
  }
}

function taskText({ command, count, slot }: Task): string {
  const where = slot === null || slot === '' ? 'slot' : `slot ${slot}`;
  const times =
    count.per === 'slot'
      ? `${count.n} per ${where}`
      : count.per === 'total'
        ? `${count.n} in all`
        : `${count.n} per ${count.type}`;
  const script = carried(command);
  if (script !== null) {
    const words = [`the script ${script.name}`, ...script.args.map((word) => JSON.stringify(word))].join(' ');
    return `${times}: ${words} (${script.script.split('\n').length - 1} lines, by ${command[4] ?? ''})`;
  }
  return `${times}: ${command.map((word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : JSON.stringify(word))).join(' ')}`;
}

export function jobspecText(jobspec: Jobspec): string {
  const lines = [`dialect: ${jobspec.dialect}`];
  if (jobspec.name !== null) lines.push(`name: ${clean(jobspec.name)}`);
  if (jobspec.walltime !== null) lines.push(`walltime: ${jobspec.walltime} s`);
  if (jobspec.image !== null) lines.push(`image: ${clean(jobspec.image)}`);
  if (jobspec.cwd !== null) lines.push(`folder: ${clean(jobspec.cwd)}`);
  for (const group of jobspec.request.groups) {
    lines.push(group.key === '' ? 'resources:' : `resources ${clean(group.key)}:`);
    if (group.simple === null) draw(group.vertices, '  ', lines);
    else
      lines.push(
        `  ${counted(group.simple.tasks, 'core')} in all, balanced over ${counted(group.simple.nodes, 'node')}`,
      );
  }
  if (jobspec.request.groups.length === 0) lines.push('resources: none; every cluster fits');
  if (jobspec.request.constraint !== null) lines.push(`constraint: ${JSON.stringify(jobspec.request.constraint)}`);
  lines.push('tasks:');
  for (const task of jobspec.tasks) lines.push(`  ${clean(taskText(task))}`);
  return lines.join('\n');
}

/**
 * The older experimental form: `resources` is a list as in RFC 14, beside one `task` {slot, count, command, scripts,
 * resources, transform}. A task without a command (its scripts are for other tools) is carried, not run.
 */
import { leastTime, readAttributes } from './attributes.ts';
import { readCommand } from './command.ts';
import { readEnvironment } from './environment.ts';
import type { Jobspec, Task } from './jobspec.ts';
import { child, isNothing, required, text } from './place.ts';
import type { Place } from './place.ts';
import { readTaskCount, readVertices } from './rfc14.ts';

export function readExperimental(document: Place): Jobspec {
  const vertices = readVertices(required(document, 'resources', 'what the job needs'));
  const task = required(document, 'task', 'what to run');
  const attributes = readAttributes(document);
  const { name, walltime, cwd, environment, unset, constraint, needs, parameters, image } = attributes;
  return {
    dialect: 'experimental',
    name,
    request: { groups: [{ key: '', vertices, simple: null }], constraint, image: needs },
    tasks: readTask(task),
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

function readTask(place: Place): readonly Task[] {
  const command = child(place, 'command');
  if (command === null) return [];
  const slot = child(place, 'slot');
  const count = child(place, 'count');
  return [
    {
      name: null,
      command: readCommand(command),
      slot: slot === null || text(slot) === '' ? null : text(slot),
      count: count === null || isNothing(count) ? { per: 'slot', n: 1 } : readTaskCount(count),
      ...readEnvironment(null),
      dependsOn: [],
    },
  ];
}

/**
 * What sbatch's options ask for, laid out as slots over nodes. One CPU of Slurm is one core here. What is counted by
 * task goes into the slots, what is counted by node beside them; a single slot that may lie anywhere has it all.
 */
import { counted } from '../counted.ts';
import type { DraftVertex } from '../draft.ts';
import type { Layout } from '../layout.ts';
import type { Report } from '../report.ts';
import { gpuCount, readAsked } from './asked.ts';
import type { Choices } from './choices.ts';
import { spreadGpus } from './gpus.ts';
import { gresText, gresVertex } from './gres.ts';
import type { Gres } from './gres.ts';
import { placeMemory } from './memory.ts';
import { spreadTasks } from './spread.ts';

/** `hosts`: how many nodes `--nodelist` names; null where it does not. */
export function readResources(choices: Choices, hosts: number | null, report: Report): Layout {
  const asked = readAsked(choices, hosts, report);
  const { cores, gpusInAll, gpusPerTask, perNode, memory, coresOfNode } = asked;
  const { nodes: over, slots } = spreadTasks(asked, choices, report);
  const keep = (key: string, became: string): void => {
    const chosen = choices.peek(key);
    if (chosen !== null) report.kept(chosen.at, chosen.what, became);
  };
  let nodes = over;
  const bundle: DraftVertex[] = [{ type: 'core', count: cores }];
  const beside: DraftVertex[] = [];
  const alone = nodes === null && 'total' in slots && slots.total === 1;
  const put = (all: readonly Gres[]): void => {
    if (alone) bundle.push(...all.map((each) => gresVertex(each, false)));
    else beside.push(...all.map((each) => gresVertex(each, true)));
  };

  // 1. By task.
  keep('cpus-per-task', `${counted(cores, 'core')} in each slot`);
  keep('cpus-per-gpu', `${counted(cores, 'core')} in each slot`);
  keep(
    'tres-per-task',
    `${counted(cores, 'core')}${gpusPerTask === null ? '' : ` and ${gresText(gpusPerTask)}`} in each slot`,
  );
  if (gpusPerTask !== null) {
    bundle.push(...gpusPerTask.map((each) => gresVertex(each, false)));
    keep('gpus-per-task', `${gresText(gpusPerTask)} in each slot`);
  }

  // 2. By node, and in all.
  put(perNode);
  if (perNode.length > 0) {
    for (const key of ['gres', 'gpus-per-node', 'gpus-per-socket']) keep(key, `${gresText(perNode)} on each node`);
  }
  if (gpusInAll !== null && gpusPerTask === null) {
    const inAll = slotsInAll(nodes, slots);
    nodes = spreadGpus({ gpusInAll, nodes, inAll, alone, bundle, beside, put }, choices, report);
  } else if (gpusInAll !== null && asked.tasks !== null) {
    keep('gpus', `${gresText(gpusPerTask!)} in each of ${asked.tasks} slots`);
  }

  // 3. Memory, and what nodes have to have.
  if (memory !== null) {
    const gpus = gpuCount(gpusPerTask ?? [], 0) || (alone ? gpuCount([...perNode, ...(gpusInAll ?? [])], 0) : 0);
    placeMemory({ memory, cores, gpus, gpusOnNode: gpuCount(perNode, 0), alone, bundle, beside }, choices, report);
    if (nodes === null && (memory.all || beside.some(({ type }) => type === 'memory'))) nodes = 1;
  }
  if (coresOfNode !== null) {
    const there = cores * ('total' in slots ? Math.floor(slots.total / Number(nodes ?? 1)) : slots.each);
    if (coresOfNode > there) beside.push({ type: 'core', count: coresOfNode - there });
    keep('mincpus', `nodes of at least ${counted(coresOfNode, 'core')}`);
  }
  return { nodes, exclusive: asked.whole || memory?.all === true, slots, bundle, beside };
}

/** null where the number of nodes is open. */
function slotsInAll(nodes: number | string | null, slots: Layout['slots']): number | null {
  if ('total' in slots) return slots.total;
  return typeof nodes === 'number' ? slots.each * nodes : null;
}

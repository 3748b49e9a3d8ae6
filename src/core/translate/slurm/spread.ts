/**
 * Tasks over nodes, as Slurm spreads them: how many tasks, on how many nodes. Where the script leaves the nodes open and
 * something is asked for by node, it is one node: the job gets all that it asked for.
 */
import { counted } from '../counted.ts';
import type { Layout } from '../layout.ts';
import type { Report } from '../report.ts';
import { gpuCount } from './asked.ts';
import type { SlurmAsked } from './asked.ts';
import type { Choices } from './choices.ts';

export interface Spreading {
  readonly nodes: number | string | null;
  readonly slots: Layout['slots'];
}

/** Says what became of an option, once. */
export type Keep = (key: string, became: string) => void;

export function spreadTasks(asked: SlurmAsked, choices: Choices, report: Report): Spreading {
  const said = new Set<string>();
  const keep: Keep = (key, became) => {
    const chosen = choices.peek(key);
    if (chosen !== null && !said.has(key)) report.kept(chosen.at, chosen.what, became);
  };
  const narrow = (key: string, fallback: string, became: string, why: string): void => {
    const chosen = choices.peek(key);
    said.add(key);
    report.narrowed(chosen?.at ?? null, chosen?.what ?? fallback, became, why);
  };
  const total = countTasks(asked, keep);
  const spreading =
    asked.nodes === null
      ? openNodes(asked, total, keep, narrow)
      : overNodes(asked, total, choices, report, keep, narrow);
  const { nodes, slots } = spreading;
  if (asked.nodes !== null && nodes === asked.nodes.count)
    keep(
      'nodes',
      typeof asked.nodes.count === 'number' ? counted(asked.nodes.count, 'node') : `${asked.nodes.count} nodes`,
    );
  const balanced = nodes === null || nodes === 1 ? '' : ', balanced over the nodes';
  const inAll = asked.nodes === null && 'total' in slots ? slots.total : (total ?? 1);
  keep('ntasks', `${counted(inAll, 'task')}${balanced}`);
  return spreading;
}

/** null: as many as nodes. */
function countTasks(
  { tasks, gpusInAll, gpusPerTask, tasksPerGpu, tasksPerNode, perNode, nodes }: SlurmAsked,
  keep: Keep,
): number | null {
  if (tasks === null && gpusInAll !== null && (gpusPerTask !== null || tasksPerGpu !== null)) {
    const all = gpuCount(gpusInAll, 0);
    const total =
      tasksPerGpu === null ? Math.max(1, Math.floor(all / gpuCount(gpusPerTask!, 1))) : Math.max(1, all * tasksPerGpu);
    keep('gpus', counted(total, 'task'));
    keep('ntasks-per-gpu', counted(total, 'task'));
    return total;
  }
  if (tasksPerGpu === null) return tasks;
  const gpus = gpuCount(perNode, 0);
  const total = tasks ?? (gpus > 0 && tasksPerNode === null ? gpus * tasksPerGpu * (nodes?.min ?? 1) : null);
  keep('ntasks-per-gpu', tasks === null && total !== null ? counted(total, 'task') : 'no more tasks than that');
  return total;
}

type Narrow = (key: string, fallback: string, became: string, why: string) => void;

function openNodes(asked: SlurmAsked, total: number | null, keep: Keep, narrow: Narrow): Spreading {
  const { tasksPerNode, perNode, whole, coresOfNode, memory } = asked;
  if (total !== null && tasksPerNode !== null) {
    const nodes = Math.ceil(total / tasksPerNode);
    narrow('ntasks-per-node', '', counted(nodes, 'node'), 'as few nodes as that allows; --nodes says how many');
    return { nodes, slots: { total } };
  }
  if (tasksPerNode !== null) {
    keep('ntasks-per-node', `${counted(tasksPerNode, 'task')} on one node`);
    return { nodes: 1, slots: { total: tasksPerNode } };
  }
  const ofNode = whole || coresOfNode !== null;
  if (total !== null && total > 1 && (ofNode || perNode.length > 0 || memory?.by === 'node')) {
    const why = 'something is asked for by node, and --nodes does not say how many';
    narrow('ntasks', 'number of nodes', `${counted(total, 'task')} on one node`, why);
    return { nodes: 1, slots: { total } };
  }
  return { nodes: ofNode ? 1 : null, slots: { total: total ?? 1 } };
}

function overNodes(
  { nodes, tasksPerNode }: SlurmAsked,
  total: number | null,
  choices: Choices,
  report: Report,
  keep: Keep,
  narrow: Narrow,
): Spreading {
  const { count, min, max } = nodes!;
  if (total === null || (tasksPerNode !== null && total === tasksPerNode * min && min === max)) {
    keep('ntasks-per-node', `${counted(tasksPerNode ?? 0, 'task')} on each node`);
    return { nodes: count, slots: { each: tasksPerNode ?? 1 } };
  }
  const over = Math.min(min, total);
  if (total < min) {
    const chosen = choices.peek('nodes') ?? choices.peek('ntasks');
    report.noted(chosen?.at ?? null, chosen?.what ?? 'nodes', `sbatch takes ${total} nodes for ${total} tasks, too`);
  } else if (max !== min) {
    narrow('nodes', 'nodes', counted(over, 'node'), 'a number of tasks in all is spread over a fixed number of nodes');
  }
  const chosen = choices.peek('ntasks-per-node');
  if (chosen !== null && Math.ceil(total / over) > tasksPerNode!) {
    report.noted(chosen.at, chosen.what, `${total} tasks on ${over} nodes are more: sbatch ignores it then, too`);
  } else keep('ntasks-per-node', `${counted(total, 'task')} balanced over ${counted(over, 'node')}`);
  return { nodes: over, slots: { total } };
}

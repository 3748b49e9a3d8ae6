/**
 * What sbatch's options ask for, laid out as tasks over nodes. One CPU of Slurm is one core here. Where Slurm leaves
 * the number of nodes open and something is counted by node, the job goes to one node: it gets all it asked for.
 */
import type { DraftVertex } from '../draft.ts';
import { wrong } from '../getopt.ts';
import type { Layout } from '../layout.ts';
import type { Report } from '../report.ts';
import { readQuantity } from '../../jobspec/quantity.ts';
import { readNodeCount, readNumber, readSlurmMemory, timesMemory } from './amounts.ts';
import type { Memory, NodeCount } from './amounts.ts';
import type { Chosen, Choices } from './choices.ts';
import { gresText, gresVertex, readGpus, readGres } from './gres.ts';
import type { Gres } from './gres.ts';

const START = { line: 1, column: 1 };

/** `hosts`: how many nodes `--nodelist` names; null where it does not. */
export function readResources(choices: Choices, hosts: number | null, report: Report): Layout {
  const number = (key: string, least = 1): number | null => {
    const chosen = choices.take(key);
    return chosen === null ? null : (readNumber(chosen.value, least) ?? refuse(chosen, 'a whole number', least));
  };
  const narrowed = new Set<string>();
  const keep = (key: string, became: string): void => {
    const chosen = choices.peek(key);
    if (chosen !== null && !narrowed.has(key)) report.kept(chosen.at, chosen.what, became);
  };

  // 1. What is asked for, by task, by node and in all.
  const tres = readTres(choices);
  const gpusInAll = gpuList(choices, report, 'gpus');
  const gpusPerTask = gpuList(choices, report, 'gpus-per-task') ?? tres?.gpus ?? null;
  const perNode = [...(gresList(choices, report) ?? []), ...(gpuList(choices, report, 'gpus-per-node') ?? [])];
  const cpusPerGpu = number('cpus-per-gpu');
  const tasksGiven = number('ntasks');
  const perNodeTasks = number('ntasks-per-node', 0) || null;
  const perGpuTasks = number('ntasks-per-gpu');
  const cores =
    number('cpus-per-task') ?? tres?.cpus ?? (cpusPerGpu === null ? 1 : cpusPerGpu * count(gpusPerTask ?? [], 1));
  const asked = nodesOf(choices, hosts);
  const exclusive = choices.take('exclusive');
  let whole = exclusive !== null;
  if (exclusive !== null) {
    if (exclusive.value === '') report.kept(exclusive.at, exclusive.what, 'whole nodes');
    else if (/^(user|mcs|topo)$/.test(exclusive.value)) {
      report.altered(
        exclusive.at,
        exclusive.what,
        'whole nodes',
        'nodes cannot be shared with one user or group alone',
      );
    } else throw wrong(exclusive.at ?? START, '--exclusive takes nothing, user, mcs or topo');
  }
  const sockets = number('sockets-per-node');
  const gpusPerSocket = gpuList(choices, report, 'gpus-per-socket');
  if (gpusPerSocket !== null && sockets === null) {
    throw wrong(choices.spot('gpus-per-socket'), '--gpus-per-socket needs --sockets-per-node, as for sbatch');
  }
  perNode.push(...(gpusPerSocket ?? []).map((each) => ({ ...each, count: each.count * (sockets ?? 1) })));
  const coresPerSocket = number('cores-per-socket');
  const extra = choices.take('extra-node-info');
  for (const chosen of [choices.peek('sockets-per-node'), choices.peek('cores-per-socket'), extra]) {
    if (chosen === null) continue;
    choices.carry(chosen);
    report.carried(
      chosen.at,
      chosen.what,
      `attributes.rainbow.slurm.${chosen.key}`,
      'nodes are not chosen by their sockets',
    );
  }
  const mincpus = number('mincpus');

  // 2. How many tasks.
  let total = tasksGiven;
  if (total === null && gpusInAll !== null && (gpusPerTask !== null || perGpuTasks !== null)) {
    const all = count(gpusInAll, 0);
    total = perGpuTasks === null ? Math.max(1, Math.floor(all / count(gpusPerTask!, 1))) : all * perGpuTasks;
    keep('gpus', `${total} tasks`);
    keep('ntasks-per-gpu', `${total} tasks`);
  } else if (perGpuTasks !== null) {
    const gpus = count(perNode, 0);
    if (total === null && gpus > 0 && perNodeTasks === null) total = gpus * perGpuTasks * (asked?.min ?? 1);
    keep('ntasks-per-gpu', total === null ? 'no more tasks than that' : `${total} tasks`);
  }

  // 3. On how many nodes.
  let nodes: number | string | null = asked?.count ?? null;
  const at = choices.peek('nodes');
  const byNode = perNode.length > 0 || whole || mincpus !== null;
  const memory = readMemory(choices, report);
  let slots: Layout['slots'];
  if (asked === null) {
    if (total !== null && perNodeTasks !== null) {
      nodes = Math.ceil(total / perNodeTasks);
      const chosen = choices.peek('ntasks-per-node')!;
      report.narrowed(chosen.at, chosen.what, `${nodes} nodes`, 'as few nodes as that allows; --nodes says how many');
    } else if (perNodeTasks !== null) {
      nodes = 1;
      total = perNodeTasks;
      keep('ntasks-per-node', `${total} tasks on one node`);
    } else if ((byNode || memory?.by === 'node') && (total ?? 1) > 1) {
      nodes = 1;
      const why = 'something is asked for by node, and --nodes does not say how many';
      const chosen = choices.peek('ntasks');
      narrowed.add('ntasks');
      report.narrowed(chosen?.at ?? null, chosen?.what ?? 'number of nodes', `${total} tasks on one node`, why);
    } else if (whole || mincpus !== null) nodes = 1;
    slots = { total: total ?? 1 };
  } else if (
    total === null ||
    (perNodeTasks !== null && total === perNodeTasks * asked.min && asked.min === asked.max)
  ) {
    slots = { each: perNodeTasks ?? 1 };
    keep('ntasks-per-node', `${perNodeTasks} tasks on each node`);
  } else {
    let over = asked.min;
    if (total < over) {
      report.noted(
        choices.peek('ntasks')?.at ?? null,
        `${total} tasks on ${over} nodes`,
        `sbatch takes ${total} nodes then, too`,
      );
      over = total;
    } else if (asked.max !== asked.min) {
      const why = 'a number of tasks in all is spread over a fixed number of nodes';
      report.narrowed(at?.at ?? null, at?.what ?? 'nodes', `${over} nodes`, why);
    }
    nodes = over;
    slots = { total };
    const chosen = choices.peek('ntasks-per-node');
    if (chosen !== null && Math.ceil(total / over) > perNodeTasks!) {
      report.noted(chosen.at, chosen.what, `${total} tasks on ${over} nodes are more: sbatch ignores it then, too`);
    } else keep('ntasks-per-node', `${total} tasks balanced over ${over} nodes`);
  }
  if (asked !== null && nodes === asked.count) keep('nodes', `${asked.count} nodes`);
  const inAll =
    'total' in slots ? slots.total : nodes !== null && !Number.isNaN(Number(nodes)) ? slots.each * Number(nodes) : null;
  const spread = nodes === null || nodes === 1 ? '' : ', balanced over the nodes';
  keep('ntasks', `${total ?? 1} tasks${spread}`);
  keep('cpus-per-task', `${cores} cores in each slot`);
  keep('cpus-per-gpu', `${cores} cores in each slot`);
  keep('tres-per-task', `${cores} cores${gpusPerTask === null ? '' : ` and ${gresText(gpusPerTask)}`} in each slot`);

  // 4. What goes into a slot, and what beside it.
  const bundle: DraftVertex[] = [{ type: 'core', count: cores }];
  const beside: DraftVertex[] = [];
  const alone = nodes === null && 'total' in slots && slots.total === 1;
  const put = (all: readonly Gres[]): void => {
    if (alone) bundle.push(...all.map((each) => gresVertex(each, false)));
    else beside.push(...all.map((each) => gresVertex(each, true)));
  };
  if (gpusPerTask !== null) {
    bundle.push(...gpusPerTask.map((each) => gresVertex(each, false)));
    keep('gpus-per-task', `${gresText(gpusPerTask)} in each slot`);
  }
  put(perNode);
  for (const key of perNode.length === 0 ? [] : ['gres', 'gpus-per-node', 'gpus-per-socket'])
    keep(key, `${gresText(perNode)} on each node`);
  if (gpusInAll !== null && gpusPerTask === null) {
    nodes = spreadGpus({ gpusInAll, nodes, inAll, alone, bundle, beside, put }, choices, report);
  } else if (gpusInAll !== null && tasksGiven !== null) {
    keep('gpus', `${gresText(gpusPerTask!)} in each of ${tasksGiven} slots`);
  }
  if (memory !== null) {
    const gpus = count(gpusPerTask ?? [], 0) || (alone ? count([...perNode, ...(gpusInAll ?? [])], 0) : 0);
    placeMemory({ memory, cores, gpus, gpusOnNode: count(perNode, 0), alone, bundle, beside }, choices, report);
    if (memory.all) whole = true;
    if (memory.all && nodes === null) nodes = 1;
    if (beside.some(({ type }) => type === 'memory') && nodes === null) nodes = 1;
  }
  if (mincpus !== null) {
    const there = cores * ('total' in slots ? Math.floor(slots.total / Number(nodes ?? 1)) : slots.each);
    if (mincpus > there) beside.push({ type: 'core', count: mincpus - there });
    keep('mincpus', `nodes of at least ${mincpus} cores`);
  }
  void coresPerSocket;
  return { nodes, exclusive: whole, slots, bundle, beside };
}

function nodesOf(choices: Choices, hosts: number | null): NodeCount | null {
  const chosen = choices.take('nodes');
  if (chosen !== null) return readNodeCount(chosen.value) ?? refuse(chosen, 'a number of nodes: 4, 2-8 or 1,2,4');
  return hosts === null ? null : { count: hosts, min: hosts, max: hosts };
}

interface Spread {
  readonly gpusInAll: readonly Gres[];
  readonly nodes: number | string | null;
  readonly inAll: number | null;
  readonly alone: boolean;
  readonly bundle: DraftVertex[];
  readonly beside: DraftVertex[];
  readonly put: (all: readonly Gres[]) => void;
}

/** `--gpus`: so many in all. The number of nodes, which it may have to fix. */
function spreadGpus(spread: Spread, choices: Choices, report: Report): number | string | null {
  const { gpusInAll, inAll, alone, bundle, put } = spread;
  const { nodes } = spread;
  const { at, what } = choices.peek('gpus')!;
  const said = gresText(gpusInAll);
  if (alone || nodes === 1) {
    put(gpusInAll);
    report.kept(at, what, said);
    return nodes;
  }
  const share = (n: number): readonly Gres[] =>
    gpusInAll.map((each) => ({ ...each, count: Math.ceil(each.count / n) }));
  if (typeof nodes === 'number') {
    put(share(nodes));
    const became = `${gresText(share(nodes))} on each of ${nodes} nodes`;
    if (gpusInAll.every((each) => each.count % nodes === 0))
      report.narrowed(at, what, became, 'spread evenly over the nodes');
    else report.altered(at, what, became, 'they cannot be spread evenly over the nodes; more are taken');
    return nodes;
  }
  if (nodes === null && inAll !== null && gpusInAll.every((each) => each.count % inAll === 0)) {
    bundle.push(...share(inAll).map((each) => gresVertex(each, false)));
    report.narrowed(at, what, `${gresText(share(inAll))} in each slot`, 'spread evenly over the tasks');
    return nodes;
  }
  if (nodes === null) {
    put(gpusInAll);
    report.narrowed(
      at,
      what,
      `${said} on one node`,
      'they cannot be spread evenly over the tasks; --nodes says how many nodes',
    );
    return 1;
  }
  report.dropped(at, what, 'a number in all over a range of nodes; say --gpus-per-node');
  return nodes;
}

interface AskedMemory extends Memory {
  readonly by: 'node' | 'cpu' | 'gpu';
  readonly key: string;
  /** All that the node has. */
  readonly all: boolean;
}

function readMemory(choices: Choices, report: Report): AskedMemory | null {
  const found = (['node', 'cpu', 'gpu'] as const).flatMap((by) => {
    const key = by === 'node' ? 'mem' : `mem-per-${by}`;
    const chosen = choices.take(key);
    return chosen === null ? [] : [{ by, key, chosen }];
  });
  const [first, second] = found;
  if (first === undefined) return null;
  if (second !== undefined) {
    throw wrong(second.chosen.at ?? START, '--mem, --mem-per-cpu and --mem-per-gpu exclude each other; give one');
  }
  const { by, key, chosen } = first;
  const memory =
    chosen.at === null
      ? readQuantity(chosen.value, '--memory')
      : (readSlurmMemory(chosen.value) ?? refuse(chosen, 'an amount of memory: 4000, 16G'));
  if (memory.amount === 0 && by !== 'node') refuse(chosen, 'more than 0');
  if (memory.amount === 0) {
    report.altered(chosen.at, chosen.what, 'whole nodes', 'all memory of a node is asked for by taking the node');
  }
  return { ...memory, by, key, all: memory.amount === 0 };
}

interface Placing {
  readonly memory: AskedMemory;
  readonly cores: number;
  /** In a slot, and on a node beside its slots. */
  readonly gpus: number;
  readonly gpusOnNode: number;
  readonly alone: boolean;
  readonly bundle: DraftVertex[];
  readonly beside: DraftVertex[];
}

function placeMemory(placing: Placing, choices: Choices, report: Report): void {
  const { memory, cores, gpus, gpusOnNode, alone, bundle, beside } = placing;
  if (memory.all) return;
  const chosen = choices.peek(memory.key)!;
  const add = (to: DraftVertex[], n: number, where: string): void => {
    const found = timesMemory(memory, n);
    if (found === null) throw wrong(chosen.at ?? START, `${chosen.what} is more memory than can be asked for`);
    to.push({ type: 'memory', count: found.amount, unit: found.unit });
    const became = `${found.amount} ${found.unit} ${where}`;
    if (found.rounded) report.narrowed(chosen.at, chosen.what, became, 'rounded up');
    else report.kept(chosen.at, chosen.what, became);
  };
  if (memory.by === 'cpu') return add(bundle, cores, 'in each slot');
  if (memory.by === 'node') return alone ? add(bundle, 1, 'on its node') : add(beside, 1, 'on each node');
  if (gpus > 0) return add(bundle, gpus, 'in each slot');
  if (gpusOnNode > 0) return add(beside, gpusOnNode, 'on each node');
  report.dropped(chosen.at, chosen.what, 'no GPUs are asked for by task or by node');
}

function readTres(choices: Choices): { readonly cpus: number | null; readonly gpus: readonly Gres[] | null } | null {
  const chosen = choices.take('tres-per-task');
  if (chosen === null) return null;
  let cpus: number | null = null;
  const gres: Gres[] = [];
  for (const part of chosen.value.split(',')) {
    const cpu = /^cpu[:=](\d{1,9})$/.exec(part.trim());
    const read = cpu === null ? readGres(part.trim()) : null;
    if (cpu !== null && Number(cpu[1]) >= 1) cpus = Number(cpu[1]);
    else if (read !== null && /^gres[/:]/.test(part.trim())) gres.push(...read);
    else refuse(chosen, 'resources of each task: cpu:4,gres/gpu:1');
  }
  return { cpus, gpus: gres.length === 0 ? null : gres };
}

function gresList(choices: Choices, report: Report): readonly Gres[] | null {
  const chosen = choices.take('gres');
  if (chosen === null) return null;
  const read = readGres(chosen.value) ?? refuse(chosen, 'generic resources: gpu:2, gpu:a100:1,shard:4');
  if (read.length === 0) report.noted(chosen.at, chosen.what, 'asks for none');
  return read;
}

function gpuList(choices: Choices, report: Report, key: string): readonly Gres[] | null {
  const chosen = choices.take(key);
  if (chosen === null) return null;
  const read = readGpus(chosen.value) ?? refuse(chosen, 'a number of GPUs: 2, a100:2');
  if (read.length > 0) return read;
  report.noted(chosen.at, chosen.what, 'asks for none');
  return null;
}

function count(all: readonly Gres[], least: number): number {
  const gpus = all.filter(({ type }) => type === 'gpu').reduce((sum, each) => sum + each.count, 0);
  return Math.max(least, gpus);
}

function refuse(chosen: Chosen, right: string, least?: number): never {
  const from = least === undefined ? '' : ` from ${least}`;
  throw wrong(chosen.at ?? START, `${chosen.what}: must be ${right}${from}`);
}

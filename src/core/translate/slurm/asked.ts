/** What sbatch's options ask for, as they say it: by task, by node, in all. */
import { wrong } from '../getopt.ts';
import type { Report } from '../report.ts';
import { readNodeCount, readNumber } from './amounts.ts';
import type { NodeCount } from './amounts.ts';
import type { Choices } from './choices.ts';
import { readGpus, readGres } from './gres.ts';
import type { Gres } from './gres.ts';
import { readMemory } from './memory.ts';
import type { AskedMemory } from './memory.ts';
import { refuse, START } from './refuse.ts';

export interface SlurmAsked {
  /** null where the script leaves it open. */
  readonly nodes: NodeCount | null;
  readonly tasks: number | null;
  readonly tasksPerNode: number | null;
  readonly tasksPerGpu: number | null;
  /** Of each task. */
  readonly cores: number;
  readonly gpusInAll: readonly Gres[] | null;
  readonly gpusPerTask: readonly Gres[] | null;
  /** GPUs and other generic resources of each node. */
  readonly perNode: readonly Gres[];
  readonly memory: AskedMemory | null;
  /** Whole nodes. */
  readonly whole: boolean;
  /** The least number of cores that a node is to have; null: any. */
  readonly coresOfNode: number | null;
}

/** `hosts`: how many nodes `--nodelist` names; null where it does not. */
export function readAsked(choices: Choices, hosts: number | null, report: Report): SlurmAsked {
  const number = (key: string, least = 1): number | null => {
    const chosen = choices.take(key);
    return chosen === null ? null : (readNumber(chosen.value, least) ?? refuse(chosen, 'a whole number', least));
  };
  const tres = readTres(choices);
  const gpusPerTask = gpuList(choices, report, 'gpus-per-task') ?? tres?.gpus ?? null;
  const cpusPerGpu = number('cpus-per-gpu');
  const cpus = number('cpus-per-task') ?? tres?.cpus ?? null;
  return {
    nodes: nodesOf(choices, hosts),
    tasks: number('ntasks'),
    tasksPerNode: tasksPerNode(choices, number('ntasks-per-node', 0), report),
    tasksPerGpu: number('ntasks-per-gpu'),
    cores: cpus ?? (cpusPerGpu === null ? 1 : cpusPerGpu * gpuCount(gpusPerTask ?? [], 1)),
    gpusInAll: gpuList(choices, report, 'gpus'),
    gpusPerTask,
    perNode: [
      ...(gresList(choices, report) ?? []),
      ...(gpuList(choices, report, 'gpus-per-node') ?? []),
      ...bySocket(choices, number('sockets-per-node'), report),
    ],
    memory: readMemory(choices, report),
    whole: readExclusive(choices, report),
    coresOfNode: number('mincpus'),
  };
}

/** Slurm takes 0 for not given. */
function tasksPerNode(choices: Choices, tasks: number | null, report: Report): number | null {
  if (tasks !== 0) return tasks;
  const chosen = choices.peek('ntasks-per-node')!;
  report.noted(chosen.at, chosen.what, 'none a node is as if it were not said, for sbatch too');
  return null;
}

function nodesOf(choices: Choices, hosts: number | null): NodeCount | null {
  const chosen = choices.take('nodes');
  if (chosen !== null) return readNodeCount(chosen.value) ?? refuse(chosen, 'a number of nodes: 4, 2-8 or 1,2,4');
  return hosts === null ? null : { count: hosts, min: hosts, max: hosts };
}

function readExclusive(choices: Choices, report: Report): boolean {
  const chosen = choices.take('exclusive');
  if (chosen === null) return false;
  const { at, what, value } = chosen;
  if (value === '') report.kept(at, what, 'whole nodes');
  else if (/^(user|mcs|topo)$/.test(value)) {
    report.altered(at, what, 'whole nodes', 'nodes cannot be shared with one user or group alone');
  } else throw wrong(at ?? START, '--exclusive takes nothing, user, mcs or topo');
  return true;
}

/** GPUs of each node by its sockets; which nodes have so many sockets is carried only. */
function bySocket(choices: Choices, sockets: number | null, report: Report): readonly Gres[] {
  const gpus = gpuList(choices, report, 'gpus-per-socket');
  if (gpus !== null && sockets === null) {
    throw wrong(choices.spot('gpus-per-socket'), '--gpus-per-socket needs --sockets-per-node, as for sbatch');
  }
  for (const key of ['sockets-per-node', 'cores-per-socket', 'extra-node-info']) {
    const chosen = choices.take(key);
    if (chosen === null) continue;
    choices.carry(chosen);
    const where = `attributes.rainbow.slurm.${key}`;
    report.carried(chosen.at, chosen.what, where, 'nodes are not chosen by their sockets');
  }
  return (gpus ?? []).map((each) => ({ ...each, count: each.count * (sockets ?? 1) }));
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

export function gpuCount(all: readonly Gres[], least: number): number {
  const gpus = all.filter(({ type }) => type === 'gpu').reduce((sum, each) => sum + each.count, 0);
  return Math.max(least, gpus);
}

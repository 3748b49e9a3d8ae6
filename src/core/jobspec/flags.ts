/**
 * The jobspec that `submit`'s flags mean, as RFC 14 YAML. T tasks in all over N nodes, each task a slot; cores and
 * gpus per task; memory per node. An uneven T over N gives two node entries. Without `nodes` each slot may be placed
 * anywhere, and memory then needs a single task, whose node it is.
 */
import { stringify } from 'yaml';
import { invalid } from '../errors.ts';
import { checkImage } from '../image/reference.ts';
import { LARGEST } from './place.ts';
import { readQuantity } from './quantity.ts';
import { readTime } from './time.ts';

export interface JobspecFlags {
  readonly nodes?: number | undefined;
  /** Default: one on each node, or one. */
  readonly tasks?: number | undefined;
  /** Per task; default 1. */
  readonly cores?: number | undefined;
  /** Per task; default none. */
  readonly gpus?: number | undefined;
  /** Per node, with its unit: `64GB`, `4GiB`. */
  readonly memory?: string | undefined;
  /** `90s`, `10m`, `1h30m`, `01:30:00`, or seconds. */
  readonly time?: string | undefined;
  /** Partition, or queue, of the cluster that it goes to; several with commas. */
  readonly partition?: string | undefined;
  /** Account, or bank. */
  readonly account?: string | undefined;
  readonly image?: string | undefined;
  readonly name?: string | undefined;
  readonly command: readonly string[];
  readonly cwd?: string | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

interface Vertex {
  readonly type: string;
  readonly count: number;
  readonly unit?: string;
  readonly label?: string;
  readonly with?: readonly Vertex[];
}

/** Throws `invalid_input` with the flag as the place. */
export function jobspecFromFlags(flags: JobspecFlags): string {
  if (flags.command.length === 0 || flags.command[0] === '') {
    throw invalid('command', 'is missing: give it after `--`, or with --command "program arguments"');
  }
  const { resources, slots } = readResources(flags);
  const system = {
    ...(flags.time === undefined ? {} : { duration: readTime(flags.time, '--time') }),
    ...queueAndBank(flags),
    ...(flags.cwd === undefined ? {} : { cwd: wholePath(flags.cwd, '--cwd') }),
    ...(flags.environment === undefined ? {} : { environment: { ...flags.environment } }),
    ...(flags.name === undefined ? {} : { job: { name: flags.name } }),
  };
  const user = flags.image === undefined ? {} : { user: { image: checkImage(flags.image, '--image') } };
  return stringify(
    {
      version: 1,
      resources,
      tasks: slots.map((slot) => ({ command: [...flags.command], slot, count: { per_slot: 1 } })),
      attributes: { system, ...user },
    },
    { aliasDuplicateObjects: false, lineWidth: 0, compat: 'yaml-1.1' },
  );
}

/** It is a folder of the cluster's, which knows nothing of where the submitter stands. Throws `invalid_input`. */
function wholePath(path: string, place: string): string {
  if (path.startsWith('/')) return path;
  throw invalid(place, `must be a whole path on the cluster, one that begins with /, not ${JSON.stringify(path)}`);
}

/** As attributes.system has them. Throws `invalid_input` with the flag where one is empty. */
export function queueAndBank({
  partition,
  account,
}: Pick<JobspecFlags, 'partition' | 'account'>): Readonly<Record<string, string>> {
  if (partition?.trim() === '') throw invalid('--partition', 'is empty: name a partition, or leave it out');
  if (account?.trim() === '') throw invalid('--account', 'is empty: name an account, or leave it out');
  return {
    ...(partition === undefined ? {} : { queue: partition.trim() }),
    ...(account === undefined ? {} : { bank: account.trim() }),
  };
}

function readResources(flags: JobspecFlags): { resources: readonly Vertex[]; slots: readonly string[] } {
  const nodes = flags.nodes === undefined ? null : whole(flags.nodes, '--nodes', 1);
  const tasks = whole(flags.tasks ?? nodes ?? 1, '--tasks', 1);
  const cores = whole(flags.cores ?? 1, '--cores', 1);
  const gpus = whole(flags.gpus ?? 0, '--gpus', 0);
  const memory = flags.memory === undefined ? [] : [memoryVertex(flags.memory)];
  const bundle: readonly Vertex[] = [
    { type: 'core', count: cores },
    ...(gpus === 0 ? [] : [{ type: 'gpu', count: gpus }]),
  ];
  const slot = (label: string, count: number, more: readonly Vertex[] = []): Vertex => ({
    type: 'slot',
    count,
    label,
    with: [...bundle, ...more],
  });

  if (nodes === null) {
    if (memory.length > 0 && tasks > 1) {
      throw invalid('--memory', 'is for each node, so with more than one task it needs --nodes');
    }
    return { resources: [slot('task', tasks, memory)], slots: ['task'] };
  }
  if (tasks < nodes) {
    throw invalid('--tasks', `${tasks} tasks cannot be spread over ${nodes} nodes; ask for at most ${tasks} nodes`);
  }
  const node = (count: number, label: string, each: number): Vertex => ({
    type: 'node',
    count,
    with: [slot(label, each), ...memory],
  });
  const each = Math.floor(tasks / nodes);
  const more = tasks % nodes;
  if (more === 0) return { resources: [node(nodes, 'task', each)], slots: ['task'] };
  return { resources: [node(more, 'more', each + 1), node(nodes - more, 'task', each)], slots: ['more', 'task'] };
}

function memoryVertex(written: string): Vertex {
  const { amount, unit } = readQuantity(written, '--memory');
  return { type: 'memory', count: amount, unit };
}

function whole(value: number, flag: string, least: number): number {
  if (!Number.isInteger(value) || value < least || value > LARGEST) {
    throw invalid(flag, `must be a whole number from ${least} to ${LARGEST}, not ${value}`);
  }
  return value;
}

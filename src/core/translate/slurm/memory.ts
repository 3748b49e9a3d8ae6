/** Memory: by node, by core or by GPU. */
import { readQuantity } from '../../jobspec/quantity.ts';
import type { DraftVertex } from '../draft.ts';
import { wrong } from '../getopt.ts';
import type { Report } from '../report.ts';
import { readSlurmMemory, timesMemory } from './amounts.ts';
import type { Memory } from './amounts.ts';
import type { Choices } from './choices.ts';
import { refuse, START } from './refuse.ts';

export interface AskedMemory extends Memory {
  readonly by: 'node' | 'cpu' | 'gpu';
  readonly key: string;
  /** All that the node has. */
  readonly all: boolean;
}

export function readMemory(choices: Choices, report: Report): AskedMemory | null {
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

export interface Placing {
  readonly memory: AskedMemory;
  readonly cores: number;
  /** In a slot, and on a node beside its slots. */
  readonly gpus: number;
  readonly gpusOnNode: number;
  readonly alone: boolean;
  readonly bundle: DraftVertex[];
  readonly beside: DraftVertex[];
}

export function placeMemory(placing: Placing, choices: Choices, report: Report): void {
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

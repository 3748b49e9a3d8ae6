/**
 * What Flux's own commands say of an instance, read: R documents of what is down and allocated (`flux resource R -s`),
 * who drained what (`flux resource status`), its queues (`flux config get queues`), how many jobs there are
 * (`flux job stats`). Pure; recorded from flux-core 0.88.0. What it has is read by r-document.ts.
 *
 * Where it stops: a queue's nodes are those with all the properties that it requires; other conditions are left out.
 */
import type { FoundNode, FoundPartition } from './layout.ts';
import { idset, readRDocument } from './r-document.ts';

/** Cores and gpus of one rank, by their numbers there. */
export interface RankParts {
  readonly cores: readonly number[];
  readonly gpus: readonly number[];
}

/** By rank; empty where the set is. Throws `invalid_input` with the place. */
export function readRankParts(text: string): ReadonlyMap<number, RankParts> {
  const parts = new Map<number, { cores: number[]; gpus: number[] }>();
  // Checks it, and the names in it.
  readRDocument(text, '');
  const { execution } = JSON.parse(text) as {
    execution: { R_lite: { rank: string; children: { core?: string; gpu?: string } }[] };
  };
  execution.R_lite.forEach(({ rank, children }, i) => {
    const place = `execution.R_lite[${i}]`;
    const cores = idset(children.core, `${place}.children.core`);
    const gpus = idset(children.gpu, `${place}.children.gpu`);
    for (const each of idset(rank, `${place}.rank`)) {
      const there = parts.get(each) ?? { cores: [], gpus: [] };
      parts.set(each, { cores: [...there.cores, ...cores], gpus: [...there.gpus, ...gpus] });
    }
  });
  return parts;
}

/** For `flux resource status -n -o`. */
export const STATUS_FORMAT = '{state}|{ranks}';

/** Ranks that somebody drained, whether jobs still run there or not. */
export function readDrained(text: string): ReadonlySet<number> {
  const drained = text.split('\n').flatMap((line) => {
    const [state = '', ranks = ''] = line.split('|');
    return /^drain(ed|ing)?\*?$/.test(state.trim()) && ranks.trim() !== '' ? idset(ranks.trim(), 'ranks') : [];
  });
  return new Set(drained);
}

/**
 * `config`: what `flux config get queues` printed, '' where none is configured. A queue is a partition of nodes.
 */
export function readQueues(config: string, nodes: readonly FoundNode[], byDefault: string): readonly FoundPartition[] {
  if (config.trim() === '') return [];
  const queues = mapOf(JSON.parse(config));
  return Object.entries(queues).map(([name, value]) => {
    const queue = mapOf(value);
    const requires = Array.isArray(queue['requires']) ? queue['requires'].map(String) : [];
    const limit = mapOf(mapOf(queue['policy'])['limits'])['duration'];
    return {
      name,
      nodes: nodes
        .filter(({ properties }) => requires.every((property) => properties.includes(property)))
        .map((node) => node.name),
      facts: {
        ...(typeof limit === 'string' || typeof limit === 'number' ? { max_time: String(limit) } : {}),
        ...(name === byDefault ? { default: true } : {}),
      },
    };
  });
}

/** The queue of jobs that name none, in what `flux config get policy` printed; '' where there is none. */
export function readDefaultQueue(policy: string): string {
  if (policy.trim() === '') return '';
  const queue = mapOf(mapOf(mapOf(mapOf(JSON.parse(policy))['jobspec'])['defaults'])['system'])['queue'];
  return typeof queue === 'string' ? queue : '';
}

/** What `flux job stats` printed. */
export function readJobStats(text: string): { readonly pending: number; readonly running: number } {
  const states = mapOf(mapOf(JSON.parse(text))['job_states']);
  const count = (...names: string[]): number => names.reduce((sum, name) => sum + (Number(states[name]) || 0), 0);
  return { pending: count('depend', 'priority', 'sched'), running: count('run', 'cleanup') };
}

function mapOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/**
 * What a Flux instance says of itself, read: one JSON document of its own services' answers (`resource.sched-status`,
 * `resource.status`, `job-list.job-stats`) and its configuration. Pure; recorded from flux-core 0.88.0.
 *
 * Where it stops: a queue's nodes are those with all the properties that it requires; other conditions are left out, and so
 * is the least size of a job (`policy.limits.job-size.min`).
 */
import { invalid } from '../errors.ts';
import type { FoundNode, FoundPartition } from './layout.ts';
import { idset, readRDocument } from './r-document.ts';

/** By rank. */
export interface FluxResources {
  /** As the scheduler has them: those that an administrator excluded are not among them. */
  readonly nodes: readonly FoundNode[];
  /** Drained, offline or lost. */
  readonly down: ReadonlyMap<number, RankParts>;
  readonly allocated: ReadonlyMap<number, RankParts>;
}

export interface FluxCluster extends FluxResources {
  /** Ranks that somebody drained, whether jobs still run there or not. */
  readonly drained: ReadonlySet<number>;
  readonly queues: readonly FoundPartition[];
  readonly jobs: { readonly pending: number; readonly running: number };
}

/** `{"resources": {"all": R, "down": R, "allocated": R}}`, of RFC 20. Throws `invalid_input` with the place. */
export function readFluxResources(text: string): FluxResources {
  return resourcesOf(parse(text));
}

/** The same with `drain` (id sets), `stats`, `queues` and `policy`. Throws as above. */
export function readFluxCluster(text: string): FluxCluster {
  const document = parse(text);
  const resources = resourcesOf(document);
  const drain = document['drain'];
  return {
    ...resources,
    drained: new Set(Array.isArray(drain) ? drain.flatMap((ranks) => idset(ranks, 'drain')) : []),
    queues: queuesOf(mapOf(document['queues']), resources.nodes, mapOf(document['policy'])),
    jobs: jobsOf(mapOf(document['stats'])),
  };
}

function parse(text: string): Record<string, unknown> {
  try {
    return mapOf(JSON.parse(text));
  } catch (error) {
    throw invalid('', `it is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function resourcesOf(document: Record<string, unknown>): FluxResources {
  const resources = mapOf(document['resources']);
  return {
    nodes: readRDocument(JSON.stringify(resources['all'] ?? null), '').nodes,
    down: rankParts(resources['down']),
    allocated: rankParts(resources['allocated']),
  };
}

/** Cores and gpus of one rank, by their numbers there. */
export interface RankParts {
  readonly cores: readonly number[];
  readonly gpus: readonly number[];
}

/** Empty where the set is. */
function rankParts(said: unknown): ReadonlyMap<number, RankParts> {
  const parts = new Map<number, { cores: number[]; gpus: number[] }>();
  // Checks it, and the names in it.
  readRDocument(JSON.stringify(said ?? null), '');
  const { execution } = said as {
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

/** A queue is a partition of nodes; without queues an instance that has limits is one, without a name. `policy`: of all. */
function queuesOf(
  queues: Record<string, unknown>,
  nodes: readonly FoundNode[],
  policy: Record<string, unknown>,
): readonly FoundPartition[] {
  const byDefault = defaultQueueOf(policy);
  if (Object.keys(queues).length === 0) {
    const facts = limitsIn({}, policy);
    if (Object.keys(facts).length === 0) return [];
    return [{ name: '', nodes: nodes.map(({ name }) => name), facts: { ...facts, default: true } }];
  }
  return Object.entries(queues).map(([name, value]) => {
    const queue = mapOf(value);
    const requires = Array.isArray(queue['requires']) ? queue['requires'].map(String) : [];
    return {
      name,
      nodes: nodes
        .filter(({ properties }) => requires.every((property) => properties.includes(property)))
        .map((node) => node.name),
      facts: {
        ...limitsIn(mapOf(queue['policy']), policy),
        ...(name === byDefault ? { default: true } : {}),
      },
    };
  });
}

/** What a queue says itself counts, each by itself, over what the instance says of all. */
function limitsIn(own: Record<string, unknown>, all: Record<string, unknown>): FoundPartition['facts'] {
  const facts: Record<string, string | number> = {};
  const put = (key: string, ...path: readonly string[]): void => {
    const said = at(own, path) ?? at(all, path);
    const isSize = path.includes('job-size');
    if (isSize && (typeof said !== 'number' || said < 0)) return;
    if (typeof said === 'string' || typeof said === 'number') facts[key] = isSize ? said : String(said);
  };
  put('max_time', 'limits', 'duration');
  put('default_time', 'jobspec', 'defaults', 'system', 'duration');
  put('max_nodes', 'limits', 'job-size', 'max', 'nnodes');
  put('max_cores', 'limits', 'job-size', 'max', 'ncores');
  put('max_gpus', 'limits', 'job-size', 'max', 'ngpus');
  return facts;
}

function at(within: Record<string, unknown>, path: readonly string[]): unknown {
  return path.reduce<unknown>((found, key) => mapOf(found)[key], within);
}

/** The queue of jobs that name none; '' where there is none. */
function defaultQueueOf(policy: Record<string, unknown>): string {
  const queue = mapOf(mapOf(mapOf(policy['jobspec'])['defaults'])['system'])['queue'];
  return typeof queue === 'string' ? queue : '';
}

function jobsOf(stats: Record<string, unknown>): FluxCluster['jobs'] {
  const states = mapOf(stats['job_states']);
  const count = (...names: string[]): number => names.reduce((sum, name) => sum + (Number(states[name]) || 0), 0);
  return { pending: count('depend', 'priority', 'sched'), running: count('run', 'cleanup') };
}

function mapOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

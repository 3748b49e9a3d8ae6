/**
 * Slurm's own account of its nodes and partitions, read: `scontrol show node` and `scontrol show partition` as text
 * (one line each with -o, or many), and the JSON of `scontrol show node --json` (Slurm 23.02 and newer; recorded by
 * documentation of the data parsers v0.0.37 to v0.0.41). Pure; what it does not know is left out.
 *
 * Where it stops: hyper-threads are not cores (a core is what Slurm's CoresPerSocket counts), and cores that a node keeps
 * for the system (CPUSpecList) are taken off the last sockets by number alone.
 */
import { invalid } from '../errors.ts';
import { expandHosts } from './expand-hosts.ts';
import type { FoundCluster, FoundDevice, FoundNode, FoundPartition } from './layout.ts';

export interface SlurmNode extends FoundNode {
  /** `IDLE`, `MIXED`, `DOWN` …, without flags. */
  readonly state: string;
  /** `DRAIN`, `NOT_RESPONDING`, `MAINTENANCE` … */
  readonly flags: readonly string[];
  readonly reason: string;
  readonly partitions: readonly string[];
  /** Cores that jobs have. */
  readonly coresTaken: number;
  readonly memoryTakenMiB: number;
  /** Which of each type are taken, by index; where Slurm gives numbers alone, the first ones. */
  readonly devicesTaken: readonly { readonly type: string; readonly indices: readonly number[] }[];
}

/** Can it take jobs, now or when they end? */
export function isInService({ state, flags }: SlurmNode): boolean {
  return !DOWN_STATES.has(state) && !flags.some((flag) => DOWN_FLAGS.has(flag));
}

const DOWN_STATES = new Set(['DOWN', 'ERROR', 'UNKNOWN', 'FUTURE']);
const DOWN_FLAGS = new Set([
  'DRAIN',
  'DRAINING',
  'DRAINED',
  'FAIL',
  'FAILING',
  'NOT_RESPONDING',
  'MAINTENANCE',
  'MAINT',
  'POWERING_DOWN',
  'POWER_DOWN',
  'REBOOT_ISSUED',
  'REBOOT_REQUESTED',
]);

/** Text of either kind. Throws `invalid_input` where it is neither. Nodes that are only planned (FUTURE) are left out. */
export function readSlurmNodes(text: string): readonly SlurmNode[] {
  const nodes = text.trimStart().startsWith('{') ? nodesOfJson(text) : recordsOf(text, 'NodeName').map(nodeOfRecord);
  if (nodes.length === 0) throw invalid('', 'no node in it: what "scontrol show node" prints is needed');
  return nodes.filter(({ state }) => state !== 'FUTURE');
}

/** Names of partitions, in their order, that are not hidden by being down is no matter of the graph. */
export function readSlurmPartitions(text: string): readonly FoundPartition[] {
  return recordsOf(text, 'PartitionName').map((record) => ({
    name: record.get('PartitionName') ?? '',
    nodes: expandHosts(value(record, 'Nodes')),
    facts: {
      default: record.get('Default') === 'YES',
      state: record.get('State') ?? 'UP',
      max_time: record.get('MaxTime') ?? 'UNLIMITED',
      ...(/\d/.test(record.get('DefaultTime') ?? '') ? { default_time: record.get('DefaultTime')! } : {}),
      priority_tier: Number(record.get('PriorityTier') ?? 1) || 0,
    },
  }));
}

export function slurmCluster(
  name: string,
  nodes: readonly SlurmNode[],
  partitions: readonly FoundPartition[],
): FoundCluster {
  return { name, nodes, partitions: partitions.length > 0 ? partitions : partitionsOf(nodes) };
}

/** Where only nodes are given: what they say themselves. */
function partitionsOf(nodes: readonly SlurmNode[]): readonly FoundPartition[] {
  const byName = new Map<string, string[]>();
  for (const node of nodes) {
    for (const partition of node.partitions) {
      const members = byName.get(partition);
      if (members === undefined) byName.set(partition, [node.name]);
      else members.push(node.name);
    }
  }
  return [...byName].map(([name, members]) => ({ name, nodes: members, facts: {} }));
}

// ── text ────────────────────────────────────────────────────────────────────────────────────────────────────

type SlurmRecord = ReadonlyMap<string, string>;

/**
 * `Key=value` words; a record begins with a line that begins with `first`. A value with spaces (Reason, OS) goes on to the
 * next key; what a person wrote there may look like a key, so the first of a name counts.
 */
export function recordsOf(text: string, first: string): readonly SlurmRecord[] {
  const records: Map<string, string>[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith(`${first}=`)) records.push(new Map());
    const record = records.at(-1);
    if (record === undefined) continue;
    let last = '';
    for (const word of line.split(/\s+/)) {
      const found = /^([A-Z][A-Za-z0-9:/_]*)=(.*)$/.exec(word);
      if (found !== null && !record.has(found[1]!)) {
        last = found[1]!;
        record.set(last, found[2]!);
      } else if (word !== '' && last !== '') record.set(last, `${record.get(last)!} ${word}`);
    }
  }
  return records;
}

function value(record: SlurmRecord, key: string): string {
  const said = record.get(key) ?? '';
  return said === '(null)' || said === 'N/A' || said === 'n/a' ? '' : said;
}

function count(record: SlurmRecord, key: string): number {
  const number = Number(value(record, key));
  return Number.isSafeInteger(number) && number > 0 ? number : 0;
}

function nodeOfRecord(record: SlurmRecord): SlurmNode {
  const [state = 'UNKNOWN', ...flags] = (value(record, 'State') || 'UNKNOWN').split('+');
  const threads = count(record, 'ThreadsPerCore') || 1;
  return nodeOf({
    name: value(record, 'NodeName'),
    sockets: count(record, 'Sockets'),
    coresPerSocket: count(record, 'CoresPerSocket'),
    cpus: count(record, 'CPUTot'),
    usableCpus: count(record, 'CPUEfctv') || count(record, 'CPUTot'),
    threads,
    cpusTaken: count(record, 'CPUAlloc'),
    memoryMiB: count(record, 'RealMemory'),
    memoryTakenMiB: count(record, 'AllocMem'),
    gres: value(record, 'Gres'),
    gresUsed: value(record, 'GresUsed'),
    allocTres: value(record, 'AllocTRES'),
    features: value(record, 'ActiveFeatures') || value(record, 'AvailableFeatures'),
    partitions: value(record, 'Partitions'),
    // `*`: not responding; `#`, `~`, `%`, `$`, `@`, `^`, `!`, `-`: power, maintenance, reboot, planned.
    state: state.replace(/[*#~%$@^!-]+$/, ''),
    flags: [...flags, ...(state.endsWith('*') ? ['NOT_RESPONDING'] : [])],
    reason: value(record, 'Reason'),
    architecture: value(record, 'Arch'),
  });
}

// ── JSON ────────────────────────────────────────────────────────────────────────────────────────────────────

type Json = Readonly<Record<string, unknown>>;

function nodesOfJson(text: string): readonly SlurmNode[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw invalid('', `it is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const nodes = (document as { nodes?: unknown } | null)?.nodes;
  if (!Array.isArray(nodes)) throw invalid('nodes', 'a list of nodes is needed, as "scontrol show node --json" prints');
  return nodes.map((each: unknown, place) => {
    if (typeof each !== 'object' || each === null) throw invalid(`nodes[${place}]`, 'an object is needed');
    return nodeOfJson(each as Json);
  });
}

function nodeOfJson(node: Json): SlurmNode {
  // Newer parsers give a list of state and flags; older ones a word and `state_flags`.
  const states = words(node['state']);
  const [state = 'UNKNOWN', ...more] = states.map((word) => word.toUpperCase());
  return nodeOf({
    name: text(node['name']),
    sockets: number(node['sockets']),
    coresPerSocket: number(node['cores']),
    cpus: number(node['cpus']),
    usableCpus: number(node['effective_cpus']) || number(node['cpus']),
    threads: number(node['threads']) || 1,
    cpusTaken: number(node['alloc_cpus']),
    memoryMiB: number(node['real_memory']),
    memoryTakenMiB: number(node['alloc_memory']),
    gres: text(node['gres']),
    gresUsed: text(node['gres_used']),
    allocTres: text(node['tres_used']),
    features: words(node['active_features']).join(',') || words(node['features']).join(','),
    partitions: words(node['partitions']).join(','),
    state,
    flags: [...more, ...words(node['state_flags']).map((word) => word.toUpperCase())],
    reason: text(node['reason']),
    architecture: text(node['architecture']),
  });
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Plain, or `{ "set": true, "infinite": false, "number": 7 }`. */
function number(value: unknown): number {
  const plain = typeof value === 'object' && value !== null ? (value as { number?: unknown }).number : value;
  return typeof plain === 'number' && Number.isSafeInteger(plain) && plain > 0 ? plain : 0;
}

function words(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.filter((word): word is string => typeof word === 'string');
  return typeof value === 'string' ? value.split(',').filter((word) => word !== '') : [];
}

// ── both ────────────────────────────────────────────────────────────────────────────────────────────────────

interface Facts {
  readonly name: string;
  readonly sockets: number;
  readonly coresPerSocket: number;
  /** Threads in all. */
  readonly cpus: number;
  readonly usableCpus: number;
  readonly threads: number;
  readonly cpusTaken: number;
  readonly memoryMiB: number;
  readonly memoryTakenMiB: number;
  readonly gres: string;
  readonly gresUsed: string;
  readonly allocTres: string;
  readonly features: string;
  readonly partitions: string;
  readonly state: string;
  readonly flags: readonly string[];
  readonly reason: string;
  readonly architecture: string;
}

function nodeOf(facts: Facts): SlurmNode {
  if (facts.name === '') throw invalid('nodes', 'a node without a name');
  const sockets = Math.max(1, facts.sockets);
  const each = facts.coresPerSocket || Math.ceil(facts.cpus / facts.threads / sockets);
  // A site may count threads as its cores (CPUs = threads, ThreadsPerCore=1 in a partition's eyes): CPUs bound it.
  let left = Math.min(
    sockets * each,
    Math.ceil(
      (facts.usableCpus || sockets * each) / (facts.cpus >= sockets * each * facts.threads ? facts.threads : 1),
    ),
  );
  const cores = Array.from({ length: sockets }, () => {
    const here = Math.min(each, left);
    left -= here;
    return here;
  });
  const devices = readGres(facts.gres);
  const perSocket = devices.map(({ socket }) => socket);
  const own = cores.map((here, place) => ({
    cores: here,
    devices: devices.filter((_, i) => perSocket[i] === place).map(plain),
  }));
  const total = cores.reduce((sum, here) => sum + here, 0);
  const cpusPerCore = total === 0 ? 1 : Math.max(1, Math.floor(facts.cpus / Math.max(1, sockets * each)));
  return {
    name: facts.name,
    sockets: own,
    memoryMiB: facts.memoryMiB,
    devices: devices.filter(({ socket }) => socket === null || socket >= sockets).map(plain),
    properties: [...new Set(facts.features.split(',').filter((word) => word !== ''))],
    facts: facts.architecture === '' ? {} : { arch: facts.architecture },
    state: facts.state,
    flags: facts.flags,
    reason: facts.reason,
    partitions: facts.partitions.split(',').filter((word) => word !== ''),
    coresTaken: Math.min(total, Math.ceil(facts.cpusTaken / cpusPerCore)),
    memoryTakenMiB: facts.memoryTakenMiB,
    devicesTaken: readGresUsed(facts.gresUsed, facts.allocTres),
  };
}

interface Gres extends FoundDevice {
  readonly socket: number | null;
}

function plain({ type, count, model, pool }: Gres): FoundDevice {
  return { type, count, model, ...(pool === true ? { pool } : {}) };
}

/** More than so many of one kind are units of a pool (licences, MPS shares), not things with a name of their own. */
const MOST_VERTICES = 64;

/** `gpu:a100:4(S:0-1),nvme:2,shard:400`: name, perhaps a type, a count, perhaps which sockets. */
function readGres(said: string): readonly Gres[] {
  const all: Gres[] = [];
  for (const part of splitOutside(said)) {
    const found =
      /^([A-Za-z_][\w.+-]*)(?::([A-Za-z][\w.+-]*|\d+[A-Za-z_][\w.+-]*))?(?::(?:no_consume:)?(\d+)([KMGT])?)?(?:\((S:([\d,-]+)|[^)]*)\))?$/.exec(
        part,
      );
    if (found === null) continue;
    const [, type = '', model, digits, scale, , sockets] = found;
    const count =
      (digits === undefined ? 1 : Number(digits)) * (scale === undefined ? 1 : 1024 ** ('KMGT'.indexOf(scale) + 1));
    if (!Number.isSafeInteger(count) || count < 1) continue;
    const which = sockets === undefined ? [] : indicesOf(sockets);
    const pool = count > MOST_VERTICES;
    const common = { type, model: model ?? null, ...(pool ? { pool } : {}) };
    if (which.length === 0 || pool || count % which.length !== 0) {
      all.push({ ...common, count, socket: which.length === 1 ? (which[0] ?? null) : null });
    } else {
      for (const socket of which) all.push({ ...common, count: count / which.length, socket });
    }
  }
  return all;
}

/** `gpu:a100:2(IDX:0,2-3)`, or of `cpu=4,mem=8G,gres/gpu=2` the numbers. */
function readGresUsed(said: string, tres: string): SlurmNode['devicesTaken'] {
  const taken = new Map<string, Set<number>>();
  const put = (type: string, indices: readonly number[]): void => {
    const there = taken.get(type) ?? new Set<number>();
    for (const index of indices) there.add(index);
    taken.set(type, there);
  };
  for (const part of splitOutside(said)) {
    const found = /^([A-Za-z_][\w.+-]*)(?::[^:(]+)*?(?::(\d+))?(?:\(IDX:([\d,-]*)[^)]*\)|\([^)]*\))?$/.exec(part);
    if (found === null) continue;
    const [, type = '', digits = '0', indices] = found;
    put(type, indices === undefined ? upTo(Number(digits)) : indicesOf(indices));
  }
  if (said === '') {
    for (const part of tres.split(',')) {
      const found = /^gres\/([A-Za-z_][\w.+-]*)=(\d+)$/.exec(part);
      if (found !== null) put(found[1] ?? '', upTo(Number(found[2])));
    }
  }
  return [...taken].flatMap(([type, indices]) =>
    indices.size === 0 ? [] : [{ type, indices: [...indices].sort((a, b) => a - b) }],
  );
}

function upTo(count: number): readonly number[] {
  return Array.from({ length: Math.min(count, MOST_VERTICES) }, (_, i) => i);
}

/** `0,2-3`; what does not read is left out. */
function indicesOf(said: string): readonly number[] {
  return said.split(',').flatMap((part) => {
    const found = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part);
    if (found === null) return [];
    const first = Number(found[1]);
    const last = Math.min(Number(found[2] ?? first), first + 4096);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
  });
}

/** At commas that are in no parentheses. */
function splitOutside(said: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const char of said) {
    if (char === '(') depth++;
    if (char === ')') depth--;
    if (char === ',' && depth <= 0) {
      parts.push(part);
      part = '';
    } else part += char;
  }
  return [...parts, part].filter((each) => each !== '');
}

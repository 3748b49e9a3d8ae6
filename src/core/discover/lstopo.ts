/**
 * `lstopo --of xml` (hwloc 1.11 and 2.x), read: packages, NUMA nodes, cores, gpus, memory of one machine. Pure.
 * XML only as hwloc writes it: elements and attributes; text and entities beyond the five of XML are not needed.
 */
import { invalid } from '../errors.ts';
import type { FoundCluster, FoundDevice, FoundSocket } from './layout.ts';

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
}

/** Throws `invalid_input` where it is none. `name`: of the cluster; the node has the machine's own. */
export function readLstopo(text: string, name: string): FoundCluster {
  const topology = readXml(text);
  if (topology?.name !== 'topology') throw invalid('', 'no <topology>: what "lstopo --of xml" prints is needed');
  const machine = find(topology, isType('Machine'))[0];
  if (machine === undefined) throw invalid('topology', 'no Machine in it');
  const packages = find(machine, (each) => ['Package', 'Socket'].includes(each.attributes['type'] ?? ''));
  const numas = find(machine, (each) => ['NUMANode', 'Node'].includes(each.attributes['type'] ?? ''));
  const units = packages.length > 0 ? packages : [machine];
  const numaOf = (unit: Element): number | undefined => {
    const set = unit.attributes['nodeset'];
    const at = numas.findIndex((each) => each.attributes['nodeset'] === set || each.children.includes(unit));
    return numas.length > 1 && at >= 0 ? at : undefined;
  };
  const gpus = gpusOf(machine);
  const sockets = units.map((unit): FoundSocket => {
    const cores = find(unit, isType('Core')).length || find(unit, isType('PU')).length;
    const mine = gpusOf(unit === machine ? { ...machine, children: [] } : unit);
    const numa = numaOf(unit);
    return { cores, devices: mine, ...(numa === undefined ? {} : { numa }) };
  });
  if (sockets.every(({ cores }) => cores === 0)) throw invalid('topology', 'no Core and no PU in it');
  const inSockets = sockets.reduce((sum, { devices }) => sum + count(devices), 0);
  const bytes = [machine, ...numas].reduce((sum, each) => sum + (Number(each.attributes['local_memory']) || 0), 0);
  const node = {
    name: infoOf(machine, 'HostName') ?? name,
    sockets,
    memoryMiB: Math.floor(bytes / 2 ** 20),
    devices: inSockets === count(gpus) ? [] : gpus,
    properties: [],
    facts: factsOf(machine, packages[0]),
  };
  // Gpus that hang on the machine are the machine's; a mixture is told once, by machine.
  const nodes = [
    inSockets === count(gpus) ? node : { ...node, sockets: sockets.map((each) => ({ ...each, devices: [] })) },
  ];
  return { name, nodes, partitions: [] };
}

function count(devices: readonly FoundDevice[]): number {
  return devices.reduce((sum, device) => sum + device.count, 0);
}

function isType(type: string): (element: Element) => boolean {
  return ({ attributes }) => attributes['type'] === type;
}

function find(within: Element, test: (element: Element) => boolean): readonly Element[] {
  const found: Element[] = [];
  const open = [within];
  for (let element = open.pop(); element !== undefined; element = open.pop()) {
    if (element !== within && test(element)) found.push(element);
    else open.push(...element.children.toReversed());
  }
  return found.concat(test(within) ? [within] : []);
}

function infoOf(element: Element, name: string): string | null {
  const info = element.children.find((each) => each.name === 'info' && each.attributes['name'] === name);
  return info?.attributes['value'] ?? null;
}

function factsOf(machine: Element, first: Element | undefined): Record<string, string> {
  const arch = infoOf(machine, 'Architecture');
  const model = first === undefined ? null : infoOf(first, 'CPUModel');
  return { ...(arch === null ? {} : { arch }), ...(model === null ? {} : { cpu_model: model }) };
}

/** Operating system devices of the kind GPU or co-processor that one computes on (`cuda0`, `opencl0d0`, `rsmi0`, `nvml0`). */
function gpusOf(within: Element): readonly FoundDevice[] {
  const byBackend = new Map<string, Map<string | null, number>>();
  for (const device of find(within, isType('OSDev'))) {
    const backend = /^(cuda|rsmi|nvml|ze|opencl)\d/.exec(device.attributes['name'] ?? '')?.[1];
    if (backend === undefined) continue;
    const models = byBackend.get(backend) ?? new Map<string | null, number>();
    const model = infoOf(device, 'GPUModel');
    models.set(model, (models.get(model) ?? 0) + 1);
    byBackend.set(backend, models);
  }
  // One card shows itself under several backends: the first of these that knows any counts.
  const backend = ['cuda', 'rsmi', 'nvml', 'ze', 'opencl'].find((each) => byBackend.has(each));
  const models = backend === undefined ? [] : [...byBackend.get(backend)!];
  return models.map(([model, number]) => ({ type: 'gpu', count: number, model }));
}

const DEEPEST = 200;

function readXml(text: string): Element | null {
  let root: Element | null = null;
  const open: Element[] = [];
  const tags =
    /<!--[\s\S]*?-->|<[?!][^>]*>|<(\/)?([A-Za-z_][\w.-]*)((?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/)?>/g;
  for (const [, closing, name, written = '', empty] of text.matchAll(tags)) {
    if (name === undefined) continue;
    if (closing !== undefined) {
      if (open.pop()?.name !== name) throw invalid('', `</${name}> closes nothing: the XML is cut or damaged`);
      continue;
    }
    const attributes: Record<string, string> = {};
    for (const [, key = '', double, single] of written.matchAll(/([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) {
      attributes[key] = unescaped(double ?? single ?? '');
    }
    const element: Element = { name, attributes, children: [] };
    const parent = open.at(-1);
    if (parent !== undefined) parent.children.push(element);
    else if (root === null) root = element;
    if (empty === undefined) open.push(element);
    if (open.length > DEEPEST) throw invalid('', `deeper than ${DEEPEST} elements`);
  }
  if (open.length > 0) throw invalid('', `<${open.at(-1)!.name}> is not closed: the XML is cut or damaged`);
  return root;
}

function unescaped(text: string): string {
  return text.replaceAll(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => {
    return { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }[name] ?? '';
  });
}

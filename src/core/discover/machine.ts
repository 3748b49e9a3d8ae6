/**
 * This machine from what Linux says in /sys and /proc, handed in as a way to read files and list folders. Pure.
 * Cores are physical cores (threads of one count once); a gpu is a PCI display or processing device of a maker of
 * accelerators; where the kernel says nothing, what the caller knows counts.
 */
import type { FoundCluster, FoundDevice, FoundSocket } from './layout.ts';

export interface MachineFiles {
  /** null: there is none, or it cannot be read. */
  read(path: string): string | null;
  list(path: string): readonly string[];
}

export interface MachineFacts {
  readonly hostname: string;
  readonly arch: string;
  /** Where /sys has no topology. */
  readonly cores: number;
  readonly memoryBytes: number;
}

const CPUS = '/sys/devices/system/cpu';
const NODES = '/sys/devices/system/node';
const PCI = '/sys/bus/pci/devices';
const MAKERS: Readonly<Record<string, string>> = { '0x10de': 'nvidia', '0x1002': 'amd' };

export function readMachine(files: MachineFiles, facts: MachineFacts, name: string): FoundCluster {
  const text = (path: string): string => files.read(path)?.trim() ?? '';
  const numaOf = new Map<number, number>();
  const numas = files
    .list(NODES)
    .filter((each) => /^node\d+$/.test(each))
    .sort(byNumber);
  numas.forEach((numa, place) => {
    for (const cpu of ids(text(`${NODES}/${numa}/cpulist`))) numaOf.set(cpu, place);
  });
  /** package → core ids */
  const packages = new Map<string, { readonly cores: Set<string>; readonly numa: number | undefined }>();
  for (const cpu of files
    .list(CPUS)
    .filter((each) => /^cpu\d+$/.test(each))
    .sort(byNumber)) {
    if (text(`${CPUS}/${cpu}/online`) === '0') continue;
    const core = text(`${CPUS}/${cpu}/topology/core_id`);
    const within = text(`${CPUS}/${cpu}/topology/physical_package_id`);
    if (core === '' || within === '') continue;
    const die = text(`${CPUS}/${cpu}/topology/die_id`);
    const there = packages.get(within) ?? { cores: new Set(), numa: numaOf.get(Number(cpu.slice(3))) };
    there.cores.add(`${die}.${core}`);
    packages.set(within, there);
  }
  const found = [...packages.values()].map(({ cores, numa }): FoundSocket => {
    return { cores: cores.size, devices: [], ...(numas.length > 1 && numa !== undefined ? { numa } : {}) };
  });
  const total = /^MemTotal:\s+(\d+) kB/m.exec(files.read('/proc/meminfo') ?? '');
  return {
    name,
    nodes: [
      {
        name: facts.hostname,
        sockets: found.length > 0 ? found : [{ cores: Math.max(1, facts.cores), devices: [] }],
        memoryMiB: total === null ? Math.floor(facts.memoryBytes / 2 ** 20) : Math.floor(Number(total[1]) / 1024),
        devices: gpus(files),
        properties: [],
        facts: { arch: facts.arch },
      },
    ],
    partitions: [],
  };
}

function gpus(files: MachineFiles): readonly FoundDevice[] {
  const byMaker = new Map<string, number>();
  for (const device of files.list(PCI)) {
    const kind = files.read(`${PCI}/${device}/class`)?.trim() ?? '';
    const maker = MAKERS[files.read(`${PCI}/${device}/vendor`)?.trim() ?? ''];
    // Display controllers (03), and accelerators that have no display (12).
    if (maker === undefined || !/^0x(03|12)/.test(kind)) continue;
    byMaker.set(maker, (byMaker.get(maker) ?? 0) + 1);
  }
  return [...byMaker].map(([model, count]) => ({ type: 'gpu', count, model }));
}

/** `0-3,8` */
function ids(list: string): readonly number[] {
  return list.split(',').flatMap((part) => {
    const found = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part.trim());
    if (found === null) return [];
    const first = Number(found[1]);
    return Array.from({ length: Number(found[2] ?? first) - first + 1 }, (_, i) => first + i);
  });
}

function byNumber(a: string, b: string): number {
  return Number(a.replace(/\D+/, '')) - Number(b.replace(/\D+/, ''));
}

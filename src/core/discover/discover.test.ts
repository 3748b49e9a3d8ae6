/** Readers of what tools print, on texts recorded from them (Slurm 22.05.8, hwloc 2.9) or written by their documentation. */
import { expect, test } from 'vitest';
import { foldedLine, foldGraph } from '../../cli/present/graph.ts';
import { readGraph, readSubsystem } from '../graph/read.ts';
import { expandHosts } from './expand-hosts.ts';
import { readMachine } from './machine.ts';
import { layOut } from './layout.ts';
import { isInService, readSlurmNodes, readSlurmPartitions } from './slurm.ts';
import { discoverFrom, sourceOf } from './sources.ts';

const NODE = `NodeName=red-g1 Arch=x86_64 CoresPerSocket=16
   CPUAlloc=2 CPUEfctv=16 CPUTot=16 CPULoad=0.37
   AvailableFeatures=gpu,avx512,a100,red
   ActiveFeatures=gpu,avx512,a100,red
   Gres=gpu:a100:4
   GresDrain=N/A
   GresUsed=gpu:a100:2(IDX:0,3)
   OS=Linux 6.18.44 #1 SMP PREEMPT_DYNAMIC @0
   RealMemory=64000 AllocMem=2000 FreeMem=17296 Sockets=1 Boards=1
   State=MIXED ThreadsPerCore=1 TmpDisk=0 Weight=1 Owner=N/A MCS_label=N/A
   Partitions=main,gpu
`;
const DRAINED =
  'NodeName=red-c2 Arch=x86_64 CoresPerSocket=4  CPUAlloc=0 CPUEfctv=8 CPUTot=8 ActiveFeatures=cpu,avx2 Gres=(null) ' +
  'GresUsed=gpu:0 RealMemory=32000 AllocMem=0 Sockets=2 State=IDLE+DRAIN ThreadsPerCore=1 Partitions=main ' +
  'Reason=new disks CPUAlloc=7 NodeName=x [root@2026-11-22T15:01:43]\n';
const PARTITION =
  'PartitionName=main AllowGroups=ALL Default=YES MaxTime=7-00:00:00 Nodes=red-c[1-2],red-g1 PriorityTier=1 State=UP\n';

const shape = (graph: string): string => foldedLine(foldGraph(readGraph(graph), []));

test('nodes of scontrol, over many lines and on one', () => {
  const [gpu, drained] = readSlurmNodes(`${NODE}\n${DRAINED}`);
  expect(gpu).toMatchObject({
    name: 'red-g1',
    sockets: [{ cores: 16 }],
    devices: [{ type: 'gpu', count: 4, model: 'a100' }],
    properties: ['gpu', 'avx512', 'a100', 'red'],
    memoryMiB: 64000,
    coresTaken: 2,
    devicesTaken: [{ type: 'gpu', indices: [0, 3] }],
    partitions: ['main', 'gpu'],
  });
  expect(isInService(gpu!)).toBe(true);
  expect(drained).toMatchObject({ name: 'red-c2', sockets: [{ cores: 4 }, { cores: 4 }], coresTaken: 0 });
  expect(isInService(drained!)).toBe(false);
});

test.each([
  ['IDLE', true],
  ['ALLOCATED', true],
  ['MIXED+PLANNED', true],
  ['IDLE+CLOUD', true],
  ['DOWN', false],
  ['DOWN*', false],
  ['IDLE*', false],
  ['MIXED+DRAIN', false],
  ['ALLOCATED+MAINTENANCE+RESERVED', false],
  ['UNKNOWN', false],
])('a node in state %s serves: %s', (state, serves) => {
  expect(isInService(readSlurmNodes(`NodeName=a CPUTot=1 State=${state}\n`)[0]!)).toBe(serves);
});

test.each([
  ['gpu:4', [{ type: 'gpu', count: 4, model: null }]],
  [
    'gpu:a100:2(S:0-1)',
    [
      { type: 'gpu', count: 1, model: 'a100' },
      { type: 'gpu', count: 1, model: 'a100' },
    ],
  ],
  ['gpu:1g.5gb:7', [{ type: 'gpu', count: 7, model: '1g.5gb' }]],
  ['gpu', [{ type: 'gpu', count: 1, model: null }]],
  [
    'craynetwork:4,bandwidth:lustre:no_consume:4G',
    [
      { type: 'craynetwork', count: 4, model: null },
      { type: 'bandwidth', count: 4 * 2 ** 30, model: 'lustre', pool: true },
    ],
  ],
  ['(null)', []],
  ['gpu:-3,:,;', []],
])('gres %s', (gres, devices) => {
  const [node] = readSlurmNodes(`NodeName=a CPUTot=8 Sockets=2 CoresPerSocket=4 State=IDLE Gres=${gres}\n`);
  expect([...node!.devices, ...node!.sockets.flatMap((socket) => socket.devices)]).toEqual(devices);
});

test('threads are no cores; cores that are kept for the system are not offered', () => {
  const [node] = readSlurmNodes(
    'NodeName=a CPUTot=32 CPUEfctv=28 CPUAlloc=8 Sockets=2 CoresPerSocket=8 ThreadsPerCore=2 State=MIXED\n',
  );
  expect(node!.sockets.map(({ cores }) => cores)).toEqual([8, 6]);
  expect(node!.coresTaken).toBe(4);
});

test('the JSON of newer Slurms says the same, in either shape of its numbers', () => {
  const older = {
    name: 'a',
    sockets: 2,
    cores: 4,
    cpus: 8,
    real_memory: 1000,
    state: 'idle',
    state_flags: ['DRAIN'],
    gres: 'gpu:2',
  };
  const newer = {
    name: 'a',
    sockets: 2,
    cores: 4,
    cpus: { set: true, infinite: false, number: 8 },
    real_memory: 1000,
    state: ['IDLE', 'DRAIN'],
    gres: 'gpu:2',
  };
  const [one, two] = [older, newer].map((node) => readSlurmNodes(JSON.stringify({ nodes: [node] }))[0]!);
  expect(one).toEqual(two);
  expect(isInService(one!)).toBe(false);
});

test('a graph with partitions; names of vertices stay when a node is gone', () => {
  const all = discoverFrom([{ name: '-', text: `${NODE}${DRAINED}${PARTITION}` }], null, 'red');
  expect(shape(all.graph)).toBe(
    'cluster {node {socket {16 × core}, 4 × gpu, memory 64000 MiB}, node {2 × socket {4 × core}, memory 32000 MiB}}',
  );
  const graph = readGraph(all.graph);
  const partition = readSubsystem('partition', all.subsystems['partition']!, graph);
  expect(partition.links).toHaveLength(2);
  const fewer = readGraph(discoverFrom([{ name: '-', text: DRAINED }], 'slurm', 'red').graph);
  expect(fewer.ids.every((id) => graph.ids.includes(id))).toBe(true);
});

test('a partition lists its nodes', () => {
  expect(readSlurmPartitions(PARTITION)).toMatchObject([{ name: 'main', nodes: ['red-c1', 'red-c2', 'red-g1'] }]);
  expect(expandHosts('n[08-10,2],x,r[1-2]-n[1-2]')).toEqual([
    'n08',
    'n09',
    'n10',
    'n2',
    'x',
    'r1-n1',
    'r1-n2',
    'r2-n1',
    'r2-n2',
  ]);
});

test('a document of Flux (RFC 20)', () => {
  const text = JSON.stringify({
    version: 1,
    execution: {
      R_lite: [
        { rank: '0-1', children: { core: '0-35', gpu: '0-3' } },
        { rank: '2', children: { core: '0-7' } },
      ],
      nodelist: ['node[0-1]', 'login'],
      properties: { fast: '0-1' },
    },
  });
  const { graph } = discoverFrom([{ name: 'R', text }], null, 'blue');
  expect(shape(graph)).toBe('cluster {2 × node {socket {36 × core, 4 × gpu}}, node {socket {8 × core}}}');
  expect(readGraph(graph).metadata(1)).toMatchObject({ name: 'node0', rank: 0, properties: { fast: '' } });
});

test('several brokers of Flux on one host are several nodes', () => {
  const execution = { R_lite: [{ rank: '0-3', children: { core: '0-1' } }], nodelist: ['vm,vm,vm.1,vm'] };
  const { graph } = discoverFrom([{ name: 'R', text: JSON.stringify({ version: 1, execution }) }], null, 'blue');
  expect(readGraph(graph).names.filter((name) => name.startsWith('vm'))).toEqual(['vm', "vm.1'", 'vm.1', 'vm.3']);
});

test('the graph that Fluxion keeps in an R document says more than its ranks', () => {
  const graph = JSON.parse(discoverFrom([{ name: '-', text: DRAINED }], 'slurm', 'red').graph) as { graph: unknown };
  const execution = { R_lite: [{ rank: '0', children: { core: '0-7' } }], nodelist: ['red-c2'] };
  const text = JSON.stringify({ version: 1, execution, scheduling: graph });
  expect(shape(discoverFrom([{ name: 'R', text }], null, 'x').graph)).toBe(
    'cluster {node {2 × socket {4 × core}, memory 32000 MiB}}',
  );
  const without = JSON.stringify({ version: 1, execution, scheduling: null });
  expect(shape(discoverFrom([{ name: 'R', text: without }], null, 'x').graph)).toBe(
    'cluster {node {socket {8 × core}}}',
  );
  const broken = JSON.stringify({ version: 1, execution, scheduling: { graph: {} } });
  expect(() => discoverFrom([{ name: 'R', text: broken }], null, 'x')).toThrow(/graph\.nodes/);
});

test('lstopo', () => {
  const object = (type: string, inside: string, more = ''): string =>
    `<object type="${type}" ${more}>${inside}</object>`;
  const core = object('Core', '<object type="PU" os_index="0"/><object type="PU" os_index="1"/>');
  const half = (n: number): string =>
    object(
      'Package',
      object('NUMANode', '', `nodeset="${n}" local_memory="1073741824"`) + core + core,
      `nodeset="${n}"`,
    );
  const gpu = object(
    'PCIDev',
    '<object type="OSDev" name="cuda0"><info name="GPUModel" value="A&amp;B"/></object><object type="OSDev" name="opencl0d0"/>',
  );
  const text = `<?xml version="1.0"?>\n<!DOCTYPE topology SYSTEM "hwloc2.dtd">\n<topology version="2.0">${object(
    'Machine',
    `<info name="HostName" value="vm"/>${half(1)}${half(2)}${gpu}`,
  )}</topology>`;
  expect(shape(discoverFrom([{ name: 'x', text }], null, 'vm').graph)).toBe(
    'cluster {node {2 × numanode {socket {2 × core}}, gpu, memory 2048 MiB}}',
  );
});

test('what compspec extracts of each node', () => {
  const text = JSON.stringify({
    results: {
      nfd: { sections: { cpu: { 'topology.socket_count': '2', 'cpuid.AVX2': 'true' } } },
      system: { sections: { cpu: { cores: '8' }, memory: { memtotal: '2097152 kB' }, arch: { name: 'amd64' } } },
    },
  });
  const { graph } = discoverFrom(
    [
      { name: 'dir/n1.json', text },
      { name: 'dir/n2.json', text },
    ],
    null,
    'c',
  );
  expect(shape(graph)).toBe('cluster {2 × node {2 × socket {4 × core}, memory 2048 MiB}}');
  expect(readGraph(graph).metadata(1)).toMatchObject({ name: 'n1', properties: { 'cpu.cpuid.AVX2': '' } });
});

test('this machine, from /sys and /proc: threads of one core count once, an offline processor not at all', () => {
  const files = new Map<string, string>();
  for (let cpu = 0; cpu < 8; cpu++) {
    const at = `/sys/devices/system/cpu/cpu${cpu}`;
    files.set(`${at}/topology/core_id`, String(cpu % 2));
    files.set(`${at}/topology/physical_package_id`, String(Math.floor(cpu / 2) % 2));
    if (cpu === 7) files.set(`${at}/online`, '0\n');
  }
  files.set('/sys/devices/system/node/node0/cpulist', '0-1,4-5\n');
  files.set('/sys/devices/system/node/node1/cpulist', '2-3,6-7\n');
  files.set('/proc/meminfo', 'MemTotal:        2097152 kB\n');
  files.set('/sys/bus/pci/devices/a/class', '0x030200\n');
  files.set('/sys/bus/pci/devices/a/vendor', '0x10de\n');
  const list = (path: string): string[] => [
    ...new Set(
      [...files.keys()].flatMap((file) =>
        file.startsWith(`${path}/`) ? [file.slice(path.length + 1).split('/')[0]!] : [],
      ),
    ),
  ];
  const found = readMachine(
    { read: (path) => files.get(path) ?? null, list },
    { hostname: 'vm', arch: 'x64', cores: 1, memoryBytes: 0 },
    'vm',
  );
  expect(shape(layOut(found).graph)).toBe('cluster {node {2 × numanode {socket {2 × core}}, gpu, memory 2048 MiB}}');
});

test('what is none of them is refused, with where and what to do', () => {
  for (const text of ['', 'hello', '{"a":1}', '<html></html>', '{"nodes":7}', 'NodeName=', '{', '<topology><object']) {
    expect(() => discoverFrom([{ name: 'x', text }], sourceOf(text), 'x'), `of ${text}`).toThrow(
      expect.objectContaining({ code: 'invalid_input' }),
    );
  }
});

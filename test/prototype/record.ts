/**
 * Records the prototype's released clients: `node test/prototype/record.ts go PATH-OF-ITS-BINARY` or
 * `… python PYTHON-WITH-RAINBOW-SCHEDULER`. Each command of a flow runs through a proxy to a server of ours that keeps
 * what goes by, connection by connection; the result is written to recorded/. The Go client asks for matches on port
 * 50051, whatever it is told: it has to be free then.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fromBinary } from '@bufbuild/protobuf';
import { RegisterResponseSchema } from '../../src/gen/prototype/rainbow_pb.js';
import { generateGraph } from '../../src/core/graph/generate.ts';
import { Rainbow, SECRET } from '../server/rainbow.ts';
import { hear, type Conversation } from './conversation.ts';

const run = promisify(execFile);

interface Step {
  readonly step: string;
  /** In order; on how many connections is the client's affair. */
  readonly calls: readonly string[];
  /** It is expected to fail. */
  readonly fails?: boolean;
  readonly command: readonly string[];
}

const S = 'RainbowScheduler.';
const SATISFY = 'MemoryGraph.Satisfy';
const JOBSPEC = `version: 1
name: with-io
resources:
  ior:
    type: node
    replicas: 1
    requires:
    - {name: io, field: type, match: shm}
    with:
    - {type: core, count: 2}
tasks:
- command: [ior, -o, "it's"]
  resources: ior
`;
const SUBSYSTEM = {
  graph: {
    nodes: {
      io0: { label: 'io0', metadata: { type: 'io', basename: 'io', id: 0, name: 'io0', size: 1, uniq_id: 100 } },
      shm0: { label: 'shm0', metadata: { type: 'shm', basename: 'shm', id: 1, name: 'shm0', size: 1, uniq_id: 101 } },
    },
    edges: [
      { source: 'io0', target: 'shm0', relation: 'contains' },
      { source: 'node0', target: 'shm0', relation: 'contains' },
      { source: 'shm0', target: 'node0', relation: 'in' },
    ],
  },
};

const [kind = '', program = ''] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), 'rainbow-record-'));
const rainbow = await Rainbow.start();
const conversations: Conversation[] = [];
const values: Record<string, string> = {};
try {
  const graph = generateGraph({ name: 'red', nodes: 2, coresPerNode: 4 });
  const { nodes } = (JSON.parse(graph) as { graph: { nodes: Record<string, { metadata: { type: string } }> } }).graph;
  const node = Object.entries(nodes).find(([, { metadata }]) => metadata.type === 'node')![0];
  await writeFile(join(folder, 'nodes.json'), graph);
  await writeFile(join(folder, 'io.json'), JSON.stringify(SUBSYSTEM).replaceAll('node0', node));
  await writeFile(join(folder, 'state.json'), '{"nodes_free": 20}');
  await writeFile(join(folder, 'jobspec.yaml'), JOBSPEC);
  const proxy = await startProxy();
  const host = `127.0.0.1:${proxy.port}`;
  const database = { name: 'memory', host, options: { host } };
  const scheduler = {
    secret: SECRET,
    name: 'rainbow',
    algorithms: { selection: { name: 'random' }, match: { name: 'match' } },
  };
  await writeFile(join(folder, 'go.yaml'), JSON.stringify({ scheduler, graphdatabase: database }));
  const steps = kind === 'go' ? goSteps : pythonSteps;
  for (const { step, calls, command, fails } of steps(host)) {
    proxy.begin();
    const outcome = await run(command[0]!, command.slice(1), { cwd: folder, timeout: 60_000 }).then(
      ({ stdout }) => ({ ok: true, said: stdout }),
      (error: Error & { stdout?: string; stderr?: string }) => ({ ok: false, said: `${error.stdout}${error.stderr}` }),
    );
    process.stderr.write(`${step}: ${outcome.ok ? 'done' : 'refused'}\n${outcome.said.slice(-300)}\n`);
    if (outcome.ok === (fails === true) && kind !== 'go') throw new Error(`${step}: ${outcome.said}`);
    const made = await proxy.finish();
    const left = [...calls];
    for (const turns of made) {
      const own = left.splice(0, heardIn(turns).streams.size);
      if (own.length > 0) conversations.push({ step, calls: own, turns });
    }
    if (left.length > 0) throw new Error(`${step}: no ${left.join(', ')}`);
    if (step === 'register') learn(conversations.at(-1)!);
  }
  await proxy.stop();
  const client = kind === 'go' ? 'the Go client, 075ee23' : 'the Python client, rainbow-scheduler 0.0.16';
  const target = fileURLToPath(new URL(`recorded/${kind}.json`, import.meta.url));
  await writeFile(target, `${JSON.stringify({ client, values, conversations }, null, 1)}\n`);
} finally {
  await rainbow.end();
  await rm(folder, { recursive: true, force: true });
}

function heardIn(turns: Conversation['turns']): ReturnType<typeof hear> {
  return hear(Buffer.concat(turns.filter(([side]) => side === 'server').map(([, b]) => Buffer.from(b, 'base64'))));
}

function learn({ turns }: Conversation): void {
  const { streams } = heardIn(turns);
  const [message] = [...streams.values()].flatMap((stream) => stream.messages);
  const { secret, token } = fromBinary(RegisterResponseSchema, message!);
  Object.assign(values, { secret, token });
}

function goSteps(host: string): readonly Step[] {
  const go = (...args: string[]): readonly string[] => [program, ...args, '--host', host, '--config-path', 'go.yaml'];
  const named = ['--cluster-name', 'red'];
  return [
    {
      step: 'register',
      calls: [`${S}Register`],
      command: go('register', 'cluster', '--secret', SECRET, '--nodes-json', 'nodes.json', '--save', ...named),
    },
    {
      step: 'register with a wrong secret',
      calls: [`${S}Register`],
      fails: true,
      command: go('register', 'cluster', '--secret', 'wrong', '--nodes-json', 'nodes.json', '--cluster-name', 'other'),
    },
    {
      step: 'register a subsystem',
      calls: [`${S}RegisterSubsystem`],
      command: go('register', 'subsystem', '--subsystem', 'io', '--nodes-json', 'io.json', ...named),
    },
    {
      step: 'state',
      calls: [`${S}UpdateState`],
      command: go('update', 'state', '--state-file', 'state.json', ...named),
    },
    {
      step: 'submit a command',
      calls: [SATISFY, `${S}SubmitJob`],
      command: go('submit', '--nodes', '1', '--tasks', '2', '--command', 'echo hello'),
    },
    { step: 'submit what fits nowhere', calls: [SATISFY], command: go('submit', '--nodes', '99', '--command', 'true') },
    {
      step: 'submit a jobspec',
      calls: [SATISFY, `${S}SubmitJob`],
      command: go('submit', '--jobspec', 'jobspec.yaml'),
    },
    { step: 'receive', calls: [`${S}ReceiveJobs`, `${S}AcceptJobs`], command: go('receive', '--max-jobs', '5') },
    { step: 'receive nothing', calls: [`${S}ReceiveJobs`], command: go('receive') },
    {
      step: 'register again',
      calls: [`${S}Register`],
      command: go('register', 'cluster', '--secret', SECRET, '--nodes-json', 'nodes.json', ...named),
    },
  ];
}

function pythonSteps(host: string): readonly Step[] {
  const config = (): string =>
    JSON.stringify({
      scheduler: { secret: SECRET, name: 'rainbow' },
      graphdatabase: { name: 'memory', host, options: { host } },
      cluster: { name: 'red', secret: values['secret'] },
      clusters: [{ name: 'red', token: values['token'] }],
    });
  const py = (body: string): readonly string[] => {
    const lines = [
      'import sys',
      'from rainbow.client import RainbowClient',
      'import jobspec.core as js',
      "open('py.json', 'w').write(sys.argv[1])",
      `client = RainbowClient(config_file='py.json')`,
      body,
    ];
    return [program, '-c', lines.join('\n'), ''];
  };
  const steps: Step[] = [];
  const add = (step: string, calls: readonly string[], body: string, fails = false): void => {
    const command = [...py(body)];
    // Read when the step runs: the secret is known only then.
    Object.defineProperty(command, 3, { get: config, enumerable: true });
    steps.push({ step, calls, command, fails });
  };
  add('register', [`${S}Register`], `client.register('red', '${SECRET}', 'nodes.json')`);
  add('register again', [`${S}Register`], `client.register('red', '${SECRET}', 'nodes.json')`);
  add('register with a wrong secret', [`${S}Register`], `client.register('other', 'wrong', 'nodes.json')`, true);
  const own = "client.cfg._cfg['cluster']['secret']";
  add('register a subsystem', [`${S}RegisterSubsystem`], `client.register_subsystem('red', 'io', ${own}, 'io.json')`);
  add('state from a file', [`${S}UpdateState`], `client.update_state('red', 'state.json', ${own})`);
  add('state from a mapping', [`${S}UpdateState`], `client.update_state('red', {'nodes_free': 19}, ${own})`);
  add('submit a command', [SATISFY, `${S}SubmitJob`], `client.submit_job('echo hello', nodes=1, tasks=2)`);
  add('submit what fits nowhere', [SATISFY], `client.submit_job('true', nodes=99)`);
  add('submit a jobspec', [SATISFY, `${S}SubmitJob`], `client.submit_jobspec(js.Jobspec('jobspec.yaml'))`);
  add(
    'satisfy only',
    [SATISFY, `${S}SubmitJob`],
    `client.submit_jobspec(js.Jobspec('jobspec.yaml'), satisfy_only=True)`,
  );
  add('receive', [`${S}ReceiveJobs`, `${S}AcceptJobs`], 'client.receive_jobs(5)');
  add('receive nothing', [`${S}ReceiveJobs`], 'client.receive_jobs()');
  return steps;
}

/** Keeps what goes by, in turns. */
async function startProxy() {
  interface Connection {
    readonly turns: (readonly ['client' | 'server', Buffer[]])[];
    closed: boolean;
    /** Its place among the connections by their first answer. */
    answered: number;
  }
  let answers = 0;
  let open: Connection[] = [];
  const server = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port: rainbow.server.port });
    const own: Connection = { turns: [], closed: false, answered: Infinity };
    open.push(own);
    const note = (side: 'client' | 'server', bytes: Buffer): void => {
      const last = own.turns.at(-1);
      if (last?.[0] === side) last[1].push(bytes);
      else own.turns.push([side, [bytes]]);
      if (
        own.answered === Infinity &&
        hear(Buffer.concat(own.turns.filter(([by]) => by === 'server').flatMap(([, b]) => b))).streams.size > 0
      ) {
        own.answered = answers++;
      }
    };
    client.on('data', (bytes: Buffer) => {
      note('client', bytes);
      upstream.write(bytes);
    });
    upstream.on('data', (bytes: Buffer) => {
      note('server', bytes);
      client.write(bytes);
    });
    const end = (): void => {
      own.closed = true;
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('close', end).on('error', end);
  });
  await new Promise<void>((resolve) => server.listen(kind === 'go' ? 50051 : 0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    begin(): void {
      open = [];
    },
    async finish(): Promise<Conversation['turns'][]> {
      while (open.some(({ closed }) => !closed)) await new Promise((resolve) => setImmediate(resolve));
      return open
        .filter(({ turns }) => turns.length > 0)
        .sort((a, b) => a.answered - b.answered)
        .map(({ turns }) => turns.map(([side, parts]) => [side, Buffer.concat(parts).toString('base64')] as const));
    },
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

/**
 * Records this version's agent for the versions to come: `node test/released/record.ts`. A real agent runs jobs through a
 * proxy that keeps what goes by; the result is written to recorded/VERSION.json. Made once, with each release.
 */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runAgent } from '../../src/agent/agent.ts';
import { generateGraph } from '../../src/core/graph/generate.ts';
import { realSystem } from '../../src/system/real.ts';
import { Rainbow } from '../server/rainbow.ts';
import { ACTS, CLUSTER, jobsOf, messagesOf, NODES, untilDue, type Event, type Recording } from './conversation.ts';

const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const recordings: Recording[] = [];
for (const pick of ['first-come', 'smallest']) recordings.push(await record(pick));
const target = fileURLToPath(new URL(`recorded/${version}.json`, import.meta.url));
await writeFile(target, `${JSON.stringify(recordings, null, 1)}\n`);

async function record(pick: string): Promise<Recording> {
  const rainbow = await Rainbow.start();
  const folder = await mkdtemp(join(tmpdir(), 'rainbow-record-'));
  // Where root records, jobs run as another user.
  await chmod(folder, 0o711);
  const ending = new AbortController();
  try {
    const graph = generateGraph(NODES);
    const cluster = await rainbow.register(CLUSTER, graph);
    const proxy = await startProxy(rainbow.server.port);
    const agent = runAgent(
      {
        host: `127.0.0.1:${proxy.port}`,
        cluster: CLUSTER,
        secret: cluster.secret,
        runner: 'process',
        stateDir: join(folder, 'agent'),
        graph,
        version,
        pick,
      },
      realSystem,
      ending.signal,
    );
    await proxy.welcomed(0);
    const place = { rainbow, cluster };
    for (const [number, each] of ACTS.entries()) {
      await untilDue(place, each);
      proxy.events.push(['act', number]);
      if (each.act !== null) await each.act(place);
      else {
        proxy.break();
        await proxy.welcomed(1);
      }
    }
    const jobs = await jobsOf(place);
    proxy.over();
    ending.abort();
    await agent;
    await proxy.stop();
    const requests = proxy.said().flatMap((message) => (message.case === 'bidRequest' ? [message.value.id] : []));
    const values = { secret: cluster.secret, ...Object.fromEntries(requests.map((id, i) => [`bid${i}`, id])) };
    return { version, pick, values, events: proxy.events, jobs };
  } finally {
    ending.abort();
    await rainbow.end();
    await rm(folder, { recursive: true, force: true });
  }
}

async function startProxy(upstreamPort: number) {
  const events: Event[] = [];
  const heard: Buffer[][] = [];
  let isOver = false;
  let open: Socket[] = [];
  const note = (side: 'agent' | 'server', connection: number, bytes: Buffer): void => {
    if (isOver) return;
    if (side === 'server') heard[connection]!.push(bytes);
    events.push([side, connection, bytes.toString('base64')]);
  };
  const server = createServer((agent) => {
    const upstream = connect(upstreamPort, '127.0.0.1');
    const connection = heard.push([]) - 1;
    open = [agent, upstream];
    agent.on('data', (bytes: Buffer) => {
      note('agent', connection, bytes);
      upstream.write(bytes);
    });
    upstream.on('data', (bytes: Buffer) => {
      note('server', connection, bytes);
      agent.write(bytes);
    });
    for (const socket of [agent, upstream]) {
      const end = (): void => {
        agent.destroy();
        upstream.destroy();
      };
      socket.on('close', end).on('error', end);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    events,
    port: (server.address() as AddressInfo).port,
    said: () => heard.flatMap(messagesOf),
    async welcomed(connection: number): Promise<void> {
      while (!messagesOf(heard[connection] ?? []).some((message) => message.case === 'welcome')) await pause(5);
    },
    break(): void {
      events.push(['broken', heard.length - 1]);
      for (const socket of open) socket.destroy();
    },
    /** What goes by from here on is not kept: the agent takes its leave. */
    over: () => void (isOver = true),
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** A real server on a free port with a real SQLite file in a temporary folder, and clients for all its services. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryGraph } from '../../src/gen/prototype/memory_pb.js';
import { RainbowScheduler, RegisterResponse_ResultType } from '../../src/gen/prototype/rainbow_pb.js';
import { AgentService } from '../../src/gen/rainbow/v1/agent_pb.js';
import { ClusterService } from '../../src/gen/rainbow/v1/clusters_pb.js';
import { GroupService } from '../../src/gen/rainbow/v1/groups_pb.js';
import { JobService } from '../../src/gen/rainbow/v1/jobs_pb.js';
import { ServerService } from '../../src/gen/rainbow/v1/server_pb.js';
import { serve, type RunningServer, type ServeOptions } from '../../src/server/serve.ts';
import { realSystem } from '../../src/system/real.ts';
import { connect, type Connection, type RawClient } from './raw-client.ts';

export const SECRET = 'chocolate-cookies';
export const OPERATOR = `Bearer ${SECRET}`;

/** A user's `authorization`; equal names are the same user. */
export function user(name: string): string {
  return `Bearer rbu_${name.padEnd(43, '0')}`;
}

export interface Registered {
  readonly name: string;
  readonly secret: string;
  readonly token: string;
}

export class Rainbow {
  readonly folder: string;
  readonly #options: Partial<ServeOptions>;
  readonly #logged: string[] = [];
  #server: RunningServer | null = null;
  #connection: Connection | null = null;

  private constructor(folder: string, options: Partial<ServeOptions>) {
    this.folder = folder;
    this.#options = options;
  }

  static async start(options: Partial<ServeOptions> = {}): Promise<Rainbow> {
    const rainbow = new Rainbow(await mkdtemp(join(tmpdir(), 'rainbow-test-')), options);
    await rainbow.open();
    return rainbow;
  }

  get server(): RunningServer {
    return this.#server!;
  }
  get connection(): Connection {
    return this.#connection!;
  }
  get scheduler(): RawClient<typeof RainbowScheduler> {
    return this.connection.client(RainbowScheduler);
  }
  get graph(): RawClient<typeof MemoryGraph> {
    return this.connection.client(MemoryGraph);
  }
  get jobs(): RawClient<typeof JobService> {
    return this.connection.client(JobService);
  }
  get clusters(): RawClient<typeof ClusterService> {
    return this.connection.client(ClusterService);
  }
  get groups(): RawClient<typeof GroupService> {
    return this.connection.client(GroupService);
  }
  get agents(): RawClient<typeof AgentService> {
    return this.connection.client(AgentService);
  }
  get info(): RawClient<typeof ServerService> {
    return this.connection.client(ServerService);
  }
  /** Everything that the server has logged. */
  get logged(): string {
    return this.#logged.join('');
  }

  async open(): Promise<void> {
    this.#server = await serve(
      {
        host: '127.0.0.1:0',
        database: join(this.folder, 'rainbow.db'),
        secret: SECRET,
        version: '0.0.0-test',
        logLevel: 'debug',
        logTo: { write: (line) => void this.#logged.push(line) },
        ...this.#options,
      },
      realSystem,
    );
    this.#connection = connect(this.#server.address);
  }

  async close(): Promise<void> {
    this.#connection?.close();
    await this.#server?.stop();
  }

  async restart(): Promise<void> {
    await this.close();
    await this.open();
  }

  async end(): Promise<void> {
    await this.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** By the prototype's Register. */
  async register(name: string, nodes: string): Promise<Registered> {
    const { status, secret, token } = await this.scheduler.register({ name, secret: SECRET, nodes });
    if (status !== RegisterResponse_ResultType.REGISTER_SUCCESS)
      throw new Error(`${name} was not registered: ${status}`);
    return { name, secret, token };
  }

  async subsystem(cluster: Registered, name: string, nodes: string): Promise<void> {
    await this.scheduler.registerSubsystem({ name: cluster.name, secret: cluster.secret, subsystem: name, nodes });
  }

  /** Names of the clusters that satisfy a jobspec, by the prototype's Satisfy. */
  async satisfying(jobspec: unknown): Promise<readonly string[]> {
    const payload = typeof jobspec === 'string' ? jobspec : JSON.stringify(jobspec);
    return (await this.graph.satisfy({ payload, matcher: 'match' })).clusters;
  }

  /** By the prototype's SubmitJob. */
  submit(clusters: readonly Registered[], jobspec: string, more: Record<string, unknown> = {}) {
    return this.scheduler.submitJob({
      name: 'job',
      clusters: clusters.map(({ name, token }) => ({ name, token })),
      jobspec,
      ...more,
    });
  }
}

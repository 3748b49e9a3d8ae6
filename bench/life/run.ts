/**
 * `npm run bench -- life [--jobs 4000] [--rounds 5] [--agents 50] [--stores memory,sqlite,postgres]`: what one job costs
 * from its submit to its acknowledged end: streamed submits, agents that report accepted, running and completed, each
 * acknowledged before the next. CPU of the server (of PostgreSQL's not), and jobs a second, all on this machine; see
 * docs/scale.md. Every job is checked: it has ended, once.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { table } from '../../src/cli/table.ts';
import type { JobReportSchema } from '../../src/gen/rainbow/v1/agent_pb.js';
import { JobState } from '../../src/gen/rainbow/v1/job_pb.js';
import { SubmitResponseSchema } from '../../src/gen/rainbow/v1/jobs_pb.js';
import { startPostgres } from '../../src/store/testing/postgres.ts';
import { agent, register, submit, SUBMIT_MANY, user, type Registered } from '../delivery/calls.ts';
import { channel, duplex, start } from '../delivery/child.ts';

const { values: given } = parseArgs({
  options: {
    jobs: { type: 'string', default: '4000' },
    rounds: { type: 'string', default: '5' },
    agents: { type: 'string', default: '50' },
    stores: { type: 'string', default: 'memory,sqlite,postgres' },
  },
});
const [jobs, rounds, agents] = [Number(given.jobs), Number(given.rounds), Number(given.agents)];
/** Jobs that have been submitted and not ended, at most: some at every step of their lives. */
const UNDER_WAY = 256;

/** What is reported after what was acknowledged; a job that has ended is told no more of. */
const NEXT: Readonly<Record<number, JobState>> = {
  [JobState.ACCEPTED]: JobState.RUNNING,
  [JobState.RUNNING]: JobState.COMPLETED,
};

interface Lives {
  /** Microseconds of the server's CPU for each. */
  readonly cpu: number[];
  readonly perSecond: number[];
}

async function measure(database: string): Promise<Lives> {
  const server = await start('rainbow', database);
  const to = channel(server.address);
  const links = Array.from({ length: 4 }, () => channel(server.address));
  const clusters: Registered[] = [];
  for (let number = 0; number < agents; number++) clusters.push(await register(to, `c${number}`, 8, 64));
  const ended = new Set<string>();
  let onEnd: () => void = () => undefined;
  const leave: (() => void)[] = [];
  for (const [number, cluster] of clusters.entries()) {
    const stop = await agent(links[number % links.length]!, cluster, ({ message }, say) => {
      const report = (jobId: string, epoch: string, state: JobState): void => {
        const told: MessageInitShape<typeof JobReportSchema> = { jobId, epoch, state, nativeId: jobId };
        if (state === JobState.COMPLETED) told.exitCode = 0;
        say({ case: 'report', value: told });
      };
      if (message.case === 'start') report(message.value.jobId, message.value.epoch, JobState.ACCEPTED);
      if (message.case !== 'reportAck') return;
      const { jobId, epoch, state } = message.value;
      const next = NEXT[state];
      if (next !== undefined) return report(jobId, epoch, next);
      assert.ok(!ended.has(jobId));
      ended.add(jobId);
      onEnd();
    });
    leave.push(stop);
  }

  const round = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const stream = duplex(to, SUBMIT_MANY, user());
      let sent = 0;
      let done = 0;
      const say = (): void => void stream.write(submit(clusters[sent++ % agents]!, 0));
      stream.on('data', (bytes: Buffer) => assert.ok(fromBinary(SubmitResponseSchema, bytes).job !== undefined));
      stream.on('error', reject);
      stream.on('end', resolve);
      onEnd = () => {
        done += 1;
        if (sent < jobs) say();
        if (done === jobs) stream.end();
      };
      while (sent < Math.min(UNDER_WAY, jobs)) say();
    });

  const lives: Lives = { cpu: [], perSecond: [] };
  for (let number = 0; number <= rounds; number++) {
    const began = performance.now();
    const cpu = await server.cpuOf(round);
    const seconds = (performance.now() - began) / 1000;
    // The first is to warm up.
    if (number > 0) {
      lives.cpu.push(cpu / jobs);
      lives.perSecond.push(jobs / seconds);
    }
  }
  assert.equal(ended.size, jobs * (rounds + 1));
  for (const each of leave) each();
  for (const client of [to, ...links]) client.close();
  await server.stop();
  return lives;
}

const folder = await mkdtemp(join(tmpdir(), 'rainbow-life-'));
const postgres = given.stores.includes('postgres') ? await startPostgres({ durable: true }) : null;
try {
  const lines: string[][] = [];
  for (const store of given.stores.split(',')) {
    const database =
      store === 'postgres' ? await postgres!.newDatabase() : store === 'sqlite' ? join(folder, 'life.db') : ':memory:';
    const { cpu, perSecond } = await measure(database);
    const shown = (values: readonly number[]): string => {
      const sorted = values.toSorted((a, b) => a - b).map((value) => value.toFixed(0));
      return `${sorted[Math.floor(sorted.length / 2)]} (${sorted[0]} to ${sorted.at(-1)})`;
    };
    lines.push([store, shown(cpu), shown(perSecond)]);
  }
  const head = ['store', "µs of the server's CPU a job", 'jobs/s on this machine'];
  console.log(
    table(
      head.map((title, place) => ({ title, cell: (cells: readonly string[]) => cells[place] ?? '' })),
      lines,
      (text) => text,
    ),
  );
} finally {
  await postgres?.remove();
  await rm(folder, { recursive: true, force: true });
}

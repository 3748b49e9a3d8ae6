/**
 * Many agents on one server, far more queued jobs than they take, and a watcher who hardly reads: nobody starves, and
 * what is kept for each is bounded. Counted, not timed. 100 agents and 2,000 jobs; `npm run soak` takes 10,000 agents
 * and 1,000,000 jobs.
 */
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hash, coresJob, openRig, type Rig } from '../../scheduler/testing/rig.ts';
import { generateGraph } from '../../core/graph/generate.ts';
import { readJobspec } from '../../core/jobspec/read.ts';
import { silentLog } from '../../scheduler/log.ts';
import { WatchEventsRequestSchema } from '../../gen/rainbow/v1/jobs_pb.js';
import { createEventPages } from '../jobs/event-pages.ts';
import { watchEvents } from '../jobs/watch-events.ts';
import type { Parts } from '../parts.ts';
import { createFollowers } from '../followers.ts';
import { agentHandlers } from './connect.ts';
import { fakeAgent, type FakeAgent } from './testing/fake-agent.ts';

const isLong = process.env['RAINBOW_SOAK'] !== undefined;
const AGENTS = isLong ? 10_000 : 100;
const JOBS = isLong ? 1_000_000 : 2_000;
/** Jobs that each agent ends while it is looked at. */
const ROUNDS = isLong ? 5 : 10;
/** Events that are read in one go: what a watcher costs. */
const BATCH = 256;
/** Bytes of heap that one agent's stream and session may cost, the simulated agent included. */
const MOST_PER_AGENT = 64 * 1024;

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(async () => {
  await rig.close();
});

test(`${AGENTS} agents, ${JOBS} queued jobs, a slow watcher`, { timeout: 7_200_000 }, async () => {
  const { store, scheduler, system } = rig;
  const names = Array.from({ length: AGENTS }, (_, number) => `c${number}`);
  for (const name of names) {
    const graph = generateGraph({ name, nodes: 1, coresPerNode: 1 });
    await scheduler.registry.register({ name, secretHash: hash(`${name} secret`), tokenHash: hash(name), graph });
  }
  const handlers = agentHandlers({
    store,
    followers: createFollowers(),
    scheduler,
    system,
    settings: { serverVersion: 'test', heartbeat: 10, helloWithin: 5, outputCap: 100 },
    authenticateCluster: (name) => scheduler.registry.get(name)!,
    log: silentLog,
  });

  // 1. The watcher has opened its stream, and reads one event in each round.
  let readFromStore = 0;
  const counting = {
    ...store,
    events: {
      ...store.events,
      async after(...asked: Parameters<typeof store.events.after>) {
        const events = await store.events.after(...asked);
        readFromStore += events.length;
        return events;
      },
    },
  };
  const operator = { person: () => ({ kind: 'operator', owner: 'operator' }) };
  const parts = { store: counting, authenticator: operator } as unknown as Parts;
  const watch = watchEvents(parts, createEventPages(counting));
  const leaving = new AbortController();
  const call = { metadata: () => null, signal: leaving.signal, onAbort: () => undefined, peer: 'test' };
  const request = create(WatchEventsRequestSchema, { afterSeq: '0', follow: true });
  const watcher = watch(request, call)[Symbol.asyncIterator]();
  const seen: number[] = [];
  const look = async (): Promise<void> => {
    const { value } = (await watcher.next()) as { value: { seq: string } };
    seen.push(Number(value.seq));
  };

  // 2. Far more than they take, each cluster's own; the same text is parsed once.
  const jobspec = coresJob({});
  const parsed = readJobspec(jobspec);
  for (let number = 0; number < JOBS; number += AGENTS) {
    await Promise.all(names.map((name) => rig.submit(jobspec, { candidates: [name], parsed })));
  }

  // 3. Each takes one at a time, and ends it.
  const before = process.memoryUsage().heapUsed;
  const agents = names.map((cluster): FakeAgent => fakeAgent(handlers, { cluster, startedAt: 1, capacity: 1 }));
  for (const agent of agents) agent.connect();
  await system.settle();
  const ended = agents.map(() => 0);
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [place, agent] of agents.entries()) {
      const started = agent.starts();
      expect(started.length).toBe(round);
      const { jobId, epoch } = started.at(-1)!;
      agent.report(jobId, epoch, 'completed', { exitCode: 0 });
      ended[place]! += 1;
    }
    await look();
    await system.settle();
    await until(() => agents.every((agent) => agent.starts().length === round + 1));
  }

  // 4. Nobody starved, and nobody had more at once than he could take.
  expect(new Set(ended)).toEqual(new Set([ROUNDS]));
  const counts = await store.jobs.countsByCluster();
  for (const name of names) expect(counts.get(name)?.received).toBe(1);
  // 5. The watcher has missed nothing, and cost one batch; an agent costs little.
  expect(seen).toEqual(Array.from({ length: ROUNDS }, (_, place) => place + 1));
  expect(readFromStore).toBeLessThanOrEqual(BATCH);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(AGENTS * MOST_PER_AGENT + 64 * 2 ** 20);
  leaving.abort();
  for (const agent of agents) agent.drop();
  await system.settle();
});

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition() && tries < 1_000; tries++) await rig.system.settle();
}

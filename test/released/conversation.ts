/**
 * Conversations of a released agent with a server, as the bytes that went over the wire, and what people did meanwhile:
 * made by record.ts, played again by released.test.ts. The acts are the same at both: nothing of the agent's is in them.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { fromBinary } from '@bufbuild/protobuf';
import { ServerMessageSchema, type ServerMessage } from '../../src/gen/rainbow/v1/agent_pb.js';
import { JobState, type Job } from '../../src/gen/rainbow/v1/job_pb.js';
import { hear } from '../prototype/conversation.ts';
import { user, type Rainbow, type Registered } from '../server/rainbow.ts';

/**
 * Who did what: bytes in base64 on a connection (from 0), its end, or the number of an act.
 */
export type Event =
  | readonly ['agent' | 'server', number, string]
  | readonly ['broken', number]
  | readonly ['act', number];

export interface Recording {
  /** Of the agent: as its package says. */
  readonly version: string;
  /** Its `--pick`. */
  readonly pick: string;
  /** What was given out then, by name: later bytes hold them. */
  readonly values: Readonly<Record<string, string>>;
  readonly events: readonly Event[];
  /** How the jobs stood at the end: by id, state and exit code. */
  readonly jobs: readonly (readonly [string, string, number | null])[];
}

export const CLUSTER = 'red';
export const NODES = { name: CLUSTER, nodes: 1, coresPerNode: 2 };

const ANN = { authorization: user('ann') };

export interface Place {
  readonly rainbow: Rainbow;
  readonly cluster: Registered;
}

function spec(...command: string[]): string {
  return JSON.stringify({
    version: 1,
    resources: [{ type: 'slot', count: 1, label: 't', with: [{ type: 'core', count: 1 }] }],
    tasks: [{ command, slot: 't', count: { per_slot: 1 } }],
    attributes: { system: { duration: 3600 } },
  });
}

async function submit({ rainbow, cluster }: Place, more: object, ...command: string[]): Promise<void> {
  const credentials = [{ name: cluster.name, token: cluster.token }];
  await rainbow.jobs.submit({ jobspec: spec(...command), credentials, ...more }, ANN);
}

async function untilState({ rainbow }: Place, id: string, state: JobState): Promise<void> {
  const end = performance.now() + 50_000;
  let job: Job;
  do {
    job = await rainbow.jobs.get({ id }, ANN);
    if (job.state === state) return;
    await pause(5);
  } while (performance.now() < end);
  throw new Error(`job ${id} is still ${JobState[job.state]}: ${job.reason?.message}`);
}

/** What people do, in this order: once a job stands so (null: at once), this (null: the connection breaks). */
interface Act {
  readonly once: readonly [id: string, state: JobState] | null;
  readonly act: ((place: Place) => Promise<unknown>) | null;
}

export const ACTS: readonly Act[] = [
  { once: null, act: (at) => submit(at, {}, 'sh', '-c', 'echo out; echo err >&2; exit 3') },
  { once: ['1', JobState.FAILED], act: (at) => submit(at, {}, 'sleep', '1000') },
  { once: ['2', JobState.RUNNING], act: ({ rainbow }) => rainbow.jobs.cancel({ id: '2' }, ANN) },
  { once: ['2', JobState.CANCELED], act: (at) => submit(at, { ask: true }, 'true') },
  { once: ['3', JobState.COMPLETED], act: (at) => submit(at, {}, 'sleep', '1000') },
  { once: ['4', JobState.RUNNING], act: null },
  { once: ['4', JobState.RUNNING], act: ({ rainbow }) => rainbow.jobs.cancel({ id: '4' }, ANN) },
  { once: ['4', JobState.CANCELED], act: async () => {} },
];

export async function untilDue(place: Place, { once }: Act): Promise<void> {
  if (once !== null) await untilState(place, ...once);
}

export async function jobsOf({ rainbow }: Place): Promise<Recording['jobs']> {
  const { jobs } = await rainbow.jobs.list({}, ANN);
  return jobs
    .map(({ id, state, exitCode }) => [id, JobState[state], exitCode ?? null] as const)
    .toSorted(([a], [b]) => Number(a) - Number(b));
}

/** What the server said on one connection, as far as it is complete. */
export function messagesOf(parts: readonly Buffer[]): readonly ServerMessage['message'][] {
  const { streams } = hear(Buffer.concat(parts));
  return [...streams.values()].flatMap(({ messages }) =>
    messages.map((bytes) => fromBinary(ServerMessageSchema, bytes).message),
  );
}

/** What an agent answers to; the rest tells it only that it was heard. */
export const ANSWERED = new Set(['welcome', 'start', 'stop', 'bidRequest', 'offered', 'withdraw']);

/** What the suite's tests begin with. */
import { onTestFinished } from 'vitest';
import type { Reason } from '../../core/job/state.ts';
import type { ClusterRecord, ClusterRef, JobRecord, NewJob, Store, Transition } from '../store.ts';

export type Open = () => Promise<Store>;

/** A store for this test, closed at its end. */
export async function opened(open: Open): Promise<Store> {
  const store = await open();
  onTestFinished(() => store.close());
  return store;
}

export const SECRET = new Uint8Array(32).fill(7);
export const TOKEN = new Uint8Array(32).fill(9);

export function register(store: Store, name: string, at = 1000): Promise<ClusterRecord> {
  return store.clusters.register({
    name,
    secretHash: SECRET,
    tokenHash: TOKEN,
    graph: `{"graph":"${name}"}`,
    counts: [{ type: 'node', total: 3, unit: '' }],
    at,
  });
}

export function newJob(changes: Partial<NewJob> = {}): NewJob {
  return {
    name: 'train',
    owner: 'user:ada',
    jobspec: 'version: 1\n',
    candidates: [
      { name: 'red', id: 1 },
      { name: 'blue', id: 2 },
    ],
    policy: 'random',
    policyOptions: { seed: '1' },
    priority: 0,
    walltime: 3600,
    onClusterLoss: 'wait',
    idempotencyKey: null,
    at: 2000,
    outcome: { state: 'pending', reason: because('submitted') },
    decision: null,
    ...changes,
  };
}

/** No cluster has this id. */
export const GONE: ClusterRef = { name: 'gone', id: 999 };

/** The cluster that has this name now. */
export async function named(store: Store, name: string): Promise<ClusterRef> {
  return (await store.clusters.get(name)) ?? GONE;
}

export function assignedTo(cluster: ClusterRef, allocation: string | null = null): NewJob['outcome'] {
  return { state: 'assigned', reason: because('selected'), cluster, allocation };
}

export async function submit(store: Store, changes: Partial<NewJob> = {}): Promise<JobRecord> {
  return (await store.jobs.submit(newJob(changes))).job;
}

export function because(code: Reason['code'], message = ''): Reason {
  return { code, message };
}

/** A change of the job as it is now. */
export function change(job: JobRecord, to: Transition['to'], changes: Partial<Transition> = {}): Transition {
  return { id: job.id, from: [job.state], epoch: job.epoch, to, reason: because('started'), at: 3000, ...changes };
}

/** Moves the job through `states` and gives it as it then is. */
export async function moved(store: Store, job: JobRecord, ...states: Transition['to'][]): Promise<JobRecord> {
  let now = job;
  for (const to of states) {
    const result = await store.jobs.transition(
      change(now, to, to === 'assigned' ? { cluster: await named(store, 'red') } : {}),
    );
    if (!result.done) throw new Error(`${now.state} to ${to} was refused`);
    now = result.job;
  }
  return now;
}

/** What a rejected call was rejected with. */
export async function errorFrom(call: Promise<unknown>): Promise<{ readonly code: string; readonly message: string }> {
  try {
    await call;
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('the call was not rejected');
}

/** Names and texts that a careless statement would take for something else. */
export const HOSTILE = [
  `x" UNION SELECT 'victim','t','s' -- `,
  `'; DROP TABLE jobs;--`,
  '%',
  '_',
  'two\nlines\r\n\ttabs',
  'ünïcödé 🌈 \u202e',
  '?1 $1 :a @b',
  '\\',
  '__proto__',
  '',
] as const;

/** For tests: a store in which every table has rows, jobs of every state among them, and texts that are hard to keep. */
import { createHash } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { WAITS } from '../../../core/job/waits.ts';
import { newArray } from '../../conformance/arrays.ts';
import {
  assignedTo,
  because,
  change,
  HOSTILE,
  moved,
  named,
  register,
  SECRET,
  submit,
  TOKEN,
} from '../../conformance/fixtures.ts';
import type { ClusterRef, JobRecord, Store, Transition } from '../../store.ts';

const WITH_CHECKSUM = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
const RUNNING = ['assigned', 'received', 'accepted', 'running'] as const;
const LIVES: readonly (readonly Transition['to'][])[] = [
  [],
  ['assigned'],
  ['assigned', 'received'],
  ['assigned', 'received', 'accepted'],
  RUNNING,
  [...RUNNING, 'unknown'],
  [...RUNNING, 'completed'],
  [...RUNNING, 'failed'],
  [...RUNNING, 'pending', ...RUNNING, 'pending', 'assigned'],
  ['canceled'],
  ['rejected'],
];

/** On an empty store. Answers the jobs of `LIVES`, in the order of pending to ended, then what the others are. */
export async function fillStore(
  store: Store,
): Promise<{ readonly jobs: readonly JobRecord[]; readonly red: ClusterRef }> {
  // 1. Clusters, one of them in pieces, a group; one that is deleted again, so that numbers have holes.
  await register(store, 'red');
  const pieces = ['{"graph":', '{}}'].map((text) => new Uint8Array(zstdCompressSync(text, WITH_CHECKSUM)));
  await store.clusters.register({
    name: 'blue',
    secretHash: SECRET,
    tokenHash: TOKEN,
    graph: pieces,
    counts: [],
    at: 5,
  });
  await store.clusters.putSubsystem('blue', 'io', pieces, false, 6);
  await store.clusters.putSubsystem('red', 'io', '{}', false, 6);
  await store.clusters.mergeState('red', { 'cost per hour': 0.1, note: HOSTILE.join('') }, 7);
  await register(store, 'gone');
  await store.clusters.delete('gone', 8);
  await store.groups.create({ name: 'both', tokenHash: TOKEN, clusters: ['red', 'blue'], at: 9 });
  const red = await named(store, 'red');
  await store.clusters.claimInstance(
    red,
    { id: 'i', startedAt: 1, runner: 'process', version: '1', runAs: 'mapped' },
    9,
  );
  await store.settings.setOnce('server_secret_hash', 'abc');

  // 2. Jobs in every state, with decisions, output and outcomes of bids.
  const jobs: JobRecord[] = [];
  for (const [n, life] of LIVES.entries()) {
    const made = await submit(store, {
      name: HOSTILE[n % HOSTILE.length]!,
      walltime: n === 0 ? 0.1 + 0.2 : 1e-7,
      idempotencyKey: `key ${n}`,
      decision: '{"chosen":"red"}',
      waits: n === 0 ? WAITS.begin : 0,
      beginAt: n === 0 ? 9_000_000_000_000 : null,
    });
    const job = await moved(store, made, ...life);
    jobs.push(job);
    if (life.length < RUNNING.length) continue;
    const data = new Uint8Array(300).fill(n);
    for (let offset = 0; offset < 3000; offset += 300) {
      await store.output.append(job.id, 1, [{ task: 0, stream: 'stdout', offset, data, at: 1.5 }], 1024);
    }
    await store.bids.keepOutcome({
      jobId: job.id,
      epoch: 1,
      cluster: red,
      shapeClass: 'small',
      decidedAt: 1,
      startP50: 2,
      startP90: 3,
      startedAt: 4,
      neverStarted: false,
      endedAt: null,
      currency: 'EUR',
      costBid: 1 / 3,
      costActual: null,
    });
  }
  await store.jobs.numberAt(red, jobs[3]!.id);
  await store.bids.count(red, { asked: 3 });

  // 3. Arrays: one that runs, one task at a time; one that has ended; one that waits for a job.
  const first = await store.arrays.submit(newArray([1, 2, 3], { mostAtOnce: 1 }));
  const [task] = await store.jobs.list({ array: first.array!.id, oldestFirst: true, limit: 1 });
  await moved(store, task!, ...RUNNING, 'completed');
  const ended = { state: 'canceled', reason: because('user') } as const;
  await store.arrays.submit(newArray([0, 1], { outcome: ended }));
  const dependencies = [{ kind: 'afterok', on: jobs[4]!.id }] as const;
  await store.arrays.submit(newArray([0, 1], { waits: WAITS.dependency, dependencies }));
  await submit(store, {
    waits: WAITS.dependency,
    dependencies,
    outcome: { state: 'pending', reason: because('dependency') },
  });

  // 4. Files that travel with a job; one content that nobody names.
  const owner = 'user:ada';
  const content = Buffer.from(HOSTILE.join(''));
  const sha256 = createHash('sha256').update(content).digest('hex');
  const other = createHash('sha256').update('other').digest('hex');
  const contents = [
    { sha256, data: content },
    { sha256: other, data: Buffer.from('other') },
  ];
  await store.files.keepSmall(owner, contents, { quota: 1 << 20, unused: 1 << 30 }, 9);
  const entry = { path: 'in.txt', size: content.byteLength, executable: false, sha256 };
  const kept = await store.files.keepSet(owner, other, [entry], 9);
  if ('set' in kept) {
    const staging = { set: kept.set, files: 1, bytes: content.byteLength, out: ['*'] };
    await submit(store, { owner, handling: { staging } });
  }

  // 5. What is deleted leaves holes; what servers say of themselves.
  const pruned = await submit(store, { outcome: assignedTo(red) });
  await store.jobs.transition(change(pruned, 'canceled', { at: 1, endedAt: 1 }));
  await store.retention.prune({ endedBefore: 2, keep: null }, 9);
  await store.servers.claimStream(
    red,
    { id: 'i', startedAt: 1, runner: '', version: '', runAs: 'mapped' },
    { server: 's', stream: 't', bids: true },
    9,
  );
  await store.servers.keepFree(red, 't', { graphVersion: 1, report: '{"vertices":[]}' });
  await store.servers.send('s', '{}', 9);
  return { jobs, red };
}

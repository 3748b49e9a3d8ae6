/** Every operation of the store at least once, so that each of its statements has been sent: for the tests of plans. */
import type { Arguments, OperationName } from '../operations/operations.ts';
import type { ClusterRef, JobFilter } from '../store.ts';

export type CallOperation = <N extends OperationName>(name: N, ...args: Arguments<N>) => void | Promise<void>;

/** On an empty store. */
export async function callEveryOperation(call: CallOperation): Promise<void> {
  const hash = new Uint8Array(32);
  const reason = { code: 'selected', message: '' } as const;
  const red = { name: 'red', id: 1 };
  const outcome = { state: 'assigned', reason, cluster: red, allocation: '[]' } as const;
  await call('registerCluster', { name: 'red', secretHash: hash, tokenHash: hash, graph: '', counts: [], at: 1 });
  await call('replaceGraph', 'red', [hash], [], 1);
  await call('putSubsystem', 'red', 'io', '', true, 1);
  await call('mergeState', 'red', {}, 1);
  await call('setService', 'red', { drained: { at: 1, reason: '' }, windows: [] }, 'drained', 1);
  const instance = { id: 'a', startedAt: 1, runner: 'process', version: '1', runAs: 'mapped' } as const;
  await call('claimInstance', red, instance, 1);
  await call('clustersSeen', ['red'], 5);
  await call('createGroup', { name: 'g', tokenHash: hash, clusters: ['red'], at: 1 });
  await call('updateGroup', 'g', ['red'], 1);
  await call('getGroup', 'g');
  await call('listGroups');
  for (let n = 1; n <= 4; n++) {
    await call('submitJob', {
      name: 'train',
      owner: 'ada',
      jobspec: '',
      candidates: [],
      policy: 'random',
      policyOptions: {},
      priority: 0,
      walltime: 1,
      onClusterLoss: 'wait',
      idempotencyKey: `${n}`,
      at: 1,
      outcome,
      decision: '{}',
    });
  }
  const waiting = {
    name: 'train',
    owner: 'ada',
    jobspec: '',
    candidates: [],
    policy: 'random',
    policyOptions: {},
    priority: 0,
    walltime: 1,
    onClusterLoss: 'wait',
    at: 1,
    outcome: { state: 'pending', reason: { code: 'submitted', message: '' } },
    decision: '{}',
    beginAt: 5,
  } as const;
  const dependencies = [{ kind: 'afterok', on: '4' }] as const;
  await call('submitDependent', { ...waiting, idempotencyKey: null, waits: 7, dependencies });
  await call('submitArray', {
    ...waiting,
    idempotencyKey: 'array',
    waits: 2,
    dependencies: [...dependencies, { kind: 'afterany', on: '5' }],
    indices: '0-2',
    tasks: [0, 1, 2],
    mostAtOnce: 1,
  });
  await call('submitDependent', {
    ...waiting,
    idempotencyKey: null,
    waits: 2,
    dependencies: [
      { kind: 'afternotok', on: '6' },
      { kind: 'singleton', on: '' },
    ],
  });
  await call('receiveJobs', red, 2, 5, 2);
  await call('returnExpired', 9, 9);
  await call('requestCancel', '3', reason, 1);
  const again = {
    id: '2',
    from: ['pending'],
    epoch: 2,
    to: 'assigned',
    cluster: red,
    allocation: 'x',
    decision: '{}',
  } as const;
  await call('transitionJob', { ...again, at: 1, reason });
  await call('outrunJob', { id: '2', epoch: 2, attempt: 1, to: 'completed', reason, at: 1 });
  await call('adoptJob', { id: '2', epoch: 3, cluster: red, at: 1 });
  await call('leaveJobs', [{ id: '4', epoch: 1, message: 'later', until: 5 }], 1);
  await call('leftOverJobs', 9, 9);
  await call('assignedJobs', red, 9);
  await call('receiveTheseJobs', red, [{ id: '4', epoch: 1 }], 1);
  await call('transitionJob', { id: '4', from: ['assigned'], epoch: 1, to: 'canceled', at: 1, reason });
  await call('settleDependencies', 9, 1);
  await call('holdJob', '5', reason, 1);
  await call('releaseJob', '5', 1);
  await call('changeReason', '5', 1, reason, 1);
  await call('releaseBegun', 9, 9);
  await call('overdueJobs', 9, 9);
  await call('getDependencies', '5');
  await call('unendedJobs', 'ada', 9);
  await call('holdArray', '6', reason, 1);
  await call('releaseArray', '6', 1);
  await call('transitionJob', { id: '7', from: ['pending'], epoch: 1, to: 'canceled', at: 1, reason });
  await call('requestArrayCancel', '6', reason, 1);
  await call('cancelingArrays', 9);
  await call('tasksToCancel', '6', 9);
  await startsAndNames(call, { ...waiting, idempotencyKey: null, waits: 2, name: 'alone' }, red);
  await call('getArray', '6');
  await call('wasGiven', '6');
  await call('prunedEvents');
  await call('numberAt', red, '1');
  await call('jobsByNumbers', red, [1]);
  await call('getJob', '1');
  await call('earlierSubmit', { owner: 'ada', idempotencyKey: '1' });
  await call('getAttempts', '1');
  const filters: Omit<JobFilter, 'limit'>[] = [
    {},
    { owner: 'ada' },
    { cluster: 'red' },
    { states: ['running', 'pending'] },
    { owner: 'ada', cluster: 'red', name: 'train', states: ['pending'] },
    { owner: 'ada', sort: 'ended' },
    { sort: 'ended' },
    { owner: 'ada', sort: 'priority' },
  ];
  for (const filter of filters) {
    for (const page of [{}, { after: '9' }, { after: '1', oldestFirst: true }]) {
      await call('listJobs', { ...filter, ...page, limit: 5 });
      await call('listArrays', { ...filter, ...page, limit: 5 });
    }
  }
  await call('listJobs', { owner: 'ada', array: '6', indices: [1, 2], limit: 5 });
  await call('countJobsByCluster');
  await call('pendingJobs', 5);
  await call('pendingJobs', 5, { priority: 0, id: '1' }, [{ question: 'q', reason }]);
  await call('jobsAtCluster', red, ['running']);
  await call('debitedJobs', red);
  await call('getDecisions', '1');
  for (const filter of [{}, { jobId: '1' }, { owner: 'ada' }, { owner: 'ada', jobId: '1' }, { arrayId: '6' }]) {
    await call('eventsAfter', 0, 5, filter);
  }
  await call('eventsToFollow', 0, 5);
  await call('lastEvent');
  await call('appendOutput', '1', 1, [{ task: 0, stream: 'stdout', offset: 0, data: hash, at: 1 }], 9, 99);
  for (let offset = 32; offset < 32 + 40 * 32; offset += 32) {
    await call('appendOutput', '1', 1, [{ task: 0, stream: 'stdout', offset, data: hash, at: 1 }], 1024, 9999);
  }
  await call('keptOutput', '1', 1);
  await call('readOutput', '1', 1, 0, 9);
  await call('cutOutput', '1', 1);
  const digest = 'a'.repeat(64);
  await call('keepSmallBlobs', 'ada', [{ sha256: digest, data: hash }], { quota: 999, unused: 99_999 }, 1);
  const blob = { owner: 'ada', sha256: 'b'.repeat(64), bytes: 32 };
  for (const [id, end] of [['2', 'finishBlob'] as const, ['3', 'dropBlob'] as const]) {
    await call('beginBlob', id === '2' ? blob : { ...blob, sha256: 'c'.repeat(64) }, { quota: 999, unused: null }, 1);
    await call('extendBlob', id, 1, { quota: 999, unused: 99_999 }, 1);
    await call('appendBlob', id, 0, hash, 1);
    await (end === 'finishBlob' ? call(end, id, 1) : call(end, id));
  }
  await call('missingBlobs', 'ada', [digest], 1);
  const files = [{ path: 'a', size: 32, executable: false, sha256: digest }];
  for (const name of ['1', '2', '3', '3']) await call('keepFileSet', 'ada', name, files, 1);
  const staging = { set: '1', files: 1, bytes: 32, out: ['*'] };
  await call('submitDependent', {
    ...waiting,
    idempotencyKey: null,
    waits: 0,
    dependencies: [],
    handling: { staging },
  });
  for (const set of ['1', '2']) {
    await call('keepCollected', { id: '1', epoch: 1, set, notes: [], message: '' }, 1);
  }
  await call('readBlob', 'ada', digest, 0);
  await call('usedBytes', 'ada');
  await call('getFileSet', '1');
  await call('getJobFiles', '1');
  // A full room: a list that no job has goes, and then what it named.
  const large = { sha256: 'd'.repeat(64), data: new Uint8Array(4 * 4096) };
  const sentWith = (token: string) => ({ sentWith: token, bytes: 99_999 });
  await call('keepSmallBlobs', 'eve', [large], { quota: 99_999, unused: null, share: sentWith('x') }, 1);
  const listed = { path: 'a', size: large.data.byteLength, executable: false, sha256: large.sha256 };
  await call('keepFileSet', 'eve', '4', [listed], 1);
  const full = { quota: 99_999, unused: 5 * 4096, share: sentWith('y') };
  await call('keepSmallBlobs', 'bob', [{ sha256: digest, data: hash }], full, 1);
  await call('setSettingOnce', 'a', 'b');
  await call('getSetting', 'a');
  const became = {
    jobId: '1',
    epoch: 1,
    cluster: red,
    shapeClass: 'a',
    decidedAt: 1,
    startP50: 2,
    startP90: 3,
    startedAt: 4,
    neverStarted: false,
    endedAt: 5,
    currency: 'EUR',
    costBid: 1,
    costActual: 1,
  } as const;
  await call('keepBidOutcome', became);
  await call('bidOutcomes', red, 5);
  await call('addBidCounts', red, { asked: 1 });
  await call('bidCounts', red);
  await call('decisionsSince', { since: 0, until: 9, limit: 5 });
  await call('decisionsSince', { since: 0, until: 9, owner: 'ada', after: { at: 1, id: 1 }, limit: 5 });
  await call('getCluster', 'red');
  await call('listClusters');
  await call('wasClusterDeleted', 'red', hash);
  await call('getGraph', 'red');
  const server = { id: 'a', name: '', version: '1' };
  await call('beatServer', { ...server, id: 'old' }, { alive: 1, forgotten: 1 }, 1);
  await call('beatServer', server, { alive: 1, forgotten: 1 }, 99);
  await call('claimStream', red, { ...instance, id: 'b' }, { server: 'a', stream: 's', bids: true }, 1);
  await call('receiveJobs', red, 2, null, 2, 's');
  await call('keepFree', red, 's', { graphVersion: 1, report: '{}' });
  await call('getFree', red);
  await call('clusterStandings', 0, 5);
  await call('standingsOf', [1, 2]);
  await call('storeTime', 1);
  await call('releaseStream', red, 's');
  await call('sendLetter', 'a', '{}', 1);
  await call('takeLetters', 'a');
  await call('submitDependent', { ...waiting, idempotencyKey: null, waits: 0, dependencies: [] });
  await call('claimPending', { server: 'a', within: 1 }, 5, null, [{ question: 'q', reason }], 1);
  await call('claimPending', { server: 'a', within: 1 }, 5, { priority: 0, id: '1' }, [], 1);
  await call('endServer', 'a');
  await call('getJobs', ['1', '2', '3']);
  await call('deleteSubsystem', 'red', 'io', 1);
  await call('deleteGroup', 'g', 1);
  await call('deleteCluster', 'red', 9, true);
  await call('unusedBytes');
  await call('pruneFiles', 99, 9);
  await call('pruneJobs', { endedBefore: 99, keep: 1 }, 9);
  await call('pruneJobs', { endedBefore: 99, keep: null }, 9);
}

/** `after` and `singleton`, once they are met; after 10 jobs and tasks. */
async function startsAndNames(
  call: CallOperation,
  job: Arguments<'submitDependent'>[0] & { readonly outcome: { readonly state: 'pending' } },
  cluster: ClusterRef,
): Promise<void> {
  const one = { indices: '0', tasks: [0], mostAtOnce: null };
  const later = { kind: 'after', minutes: 1 } as const;
  const change = { epoch: 1, at: 1, reason: { code: 'selected', message: '' } } as const;
  await call('submitArray', { ...job, ...one, waits: 0 });
  await call('submitDependent', {
    ...job,
    name: 'other',
    dependencies: [
      { ...later, on: '11' },
      { kind: 'singleton', on: '' },
    ],
  });
  await call('submitArray', { ...job, ...one, dependencies: [{ ...later, on: '4' }] });
  await call('transitionJob', { ...change, id: '12', from: ['pending'], to: 'canceled' });
  await call('submitDependent', { ...job, waits: 0, dependencies: [] });
  await call('submitDependent', { ...job, dependencies: [{ kind: 'after', on: '16' }] });
  await call('transitionJob', { ...change, id: '16', from: ['pending'], to: 'assigned', cluster });
  for (const [from, to] of [
    ['assigned', 'received'],
    ['received', 'accepted'],
    ['accepted', 'running'],
  ] as const) {
    await call('transitionJob', { ...change, id: '16', from: [from], to });
  }
  await call('settleDependencies', 9, 1);
}

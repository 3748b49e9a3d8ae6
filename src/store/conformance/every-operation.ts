/** Every operation of the store at least once, so that each of its statements has been sent: for the tests of plans. */
import type { Arguments, OperationName } from '../operations/operations.ts';
import type { JobFilter } from '../store.ts';

export type CallOperation = <N extends OperationName>(name: N, ...args: Arguments<N>) => void | Promise<void>;

/** On an empty store. */
export async function callEveryOperation(call: CallOperation): Promise<void> {
  const hash = new Uint8Array(32);
  const reason = { code: 'selected', message: '' } as const;
  const red = { name: 'red', id: 1 };
  const outcome = { state: 'assigned', reason, cluster: red, allocation: '[]' } as const;
  await call('registerCluster', { name: 'red', secretHash: hash, tokenHash: hash, graph: '', counts: [], at: 1 });
  await call('replaceGraph', 'red', '', [], 1);
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
  await call('numberAt', red, '1');
  await call('jobsByNumbers', red, [1]);
  await call('getJob', '1');
  await call('getAttempts', '1');
  const filters: Omit<JobFilter, 'limit'>[] = [
    {},
    { owner: 'ada' },
    { cluster: 'red' },
    { states: ['running', 'pending'] },
    { owner: 'ada', cluster: 'red', name: 'train', states: ['pending'] },
  ];
  for (const filter of filters) {
    for (const page of [{}, { after: '9' }, { after: '1', oldestFirst: true }]) {
      await call('listJobs', { ...filter, ...page, limit: 5 });
    }
  }
  await call('countJobsByCluster');
  await call('pendingJobs', 5);
  await call('pendingJobs', 5, { priority: 0, id: '1' });
  await call('jobsAtCluster', red, ['running']);
  await call('getDecisions', '1');
  for (const filter of [{}, { jobId: '1' }, { owner: 'ada' }, { owner: 'ada', jobId: '1' }]) {
    await call('eventsAfter', 0, 5, filter);
  }
  await call('lastEvent');
  await call('appendOutput', '1', 1, [{ task: 0, stream: 'stdout', offset: 0, data: hash, at: 1 }], 9);
  await call('readOutput', '1', 1, 0, 9);
  await call('cutOutput', '1', 1);
  await call('setSettingOnce', 'a', 'b');
  await call('getSetting', 'a');
  await call('getCluster', 'red');
  await call('listClusters');
  await call('getGraph', 'red');
  await call('deleteSubsystem', 'red', 'io', 1);
  await call('deleteGroup', 'g', 1);
  await call('deleteCluster', 'red', 9, true);
}

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { HELD_STATES, isAllowed, isFinal, JOB_STATES, type JobState } from '../../core/job/state.ts';
import type { JobRecord } from '../../store/store.ts';
import { answerNotHeld, answerReport } from './answer-report.ts';
import type { Report, ReportedState } from './report.ts';

const CLUSTER = 7;
const NOW = 1_000_000;

function jobIn(state: JobState, more: Partial<JobRecord> = {}): JobRecord {
  const placed = state !== 'pending' && state !== 'rejected';
  return {
    id: '5',
    name: 'test',
    owner: 'user:test',
    state,
    reason: { code: 'submitted', message: '' },
    epoch: 3,
    cluster: placed ? 'red' : null,
    clusterId: placed ? CLUSTER : null,
    nativeId: null,
    exitCode: null,
    signal: null,
    submittedAt: 0,
    assignedAt: null,
    receivedAt: null,
    acceptedAt: state === 'accepted' || state === 'running' ? 10 : null,
    startedAt: null,
    endedAt: null,
    leaseExpiresAt: null,
    leftUntil: null,
    endedBy: null,
    handling: {},
    cancelRequestedAt: null,
    priority: 0,
    walltime: 60,
    onClusterLoss: 'wait',
    candidates: [{ name: 'red', id: CLUSTER }],
    policy: 'random',
    policyOptions: {},
    jobspec: '{}',
    bidding: null,
    image: null,
    allocation: null,
    waits: 0,
    beginAt: null,
    startBefore: null,
    deadline: null,
    startBy: null,
    array: null,
    dependedOn: false,
    cancelCode: null,
    cancelMessage: null,
    overcommit: null,
    later: null,
    question: null,
    ...more,
  };
}

function report(state: ReportedState, more: Partial<Report> = {}): Report {
  return {
    jobId: '5',
    epoch: 3,
    state,
    reason: { code: 'exit', message: '' },
    nativeId: '',
    acceptedAt: null,
    startedAt: null,
    endedAt: null,
    exitCode: null,
    signal: null,
    ...more,
  };
}

const states = fc.constantFrom(...JOB_STATES);
const reported = fc.constantFrom<ReportedState>(
  'pending',
  'received',
  'accepted',
  'running',
  'completed',
  'failed',
  'canceled',
);
const losses = fc.constantFrom('wait', 'requeue', 'fail', 'duplicate');

test('from any state, any report leads by allowed moves to an answer, and a repeated report changes nothing', () => {
  fc.assert(
    fc.property(states, reported, fc.boolean(), fc.constantFrom(2, 3, 4), (state, said, canceling, epoch) => {
      let job = jobIn(state, { cancelRequestedAt: canceling ? 1 : null });
      let steps = 0;
      for (;;) {
        const answer = answerReport(job, report(said, { epoch }), CLUSTER, NOW);
        if (answer.kind !== 'write') break;
        expect(answer.change.from).toEqual([job.state]);
        expect(isAllowed(job.state, answer.change.to)).toBe(true);
        expect(answer.change.epoch).toBe(3);
        const back = answer.change.to === 'pending';
        job = { ...jobIn(answer.change.to), cancelRequestedAt: job.cancelRequestedAt, epoch: back ? 4 : 3 };
        steps += 1;
        expect(steps).toBeLessThanOrEqual(3);
      }
      const deaf = epoch !== 3 || isFinal(state) || state === 'pending';
      expect(steps).toBeLessThanOrEqual(deaf ? 0 : 3);
    }),
    { numRuns: 2_000 },
  );
});

test('a job that the agent does not hold always leaves its hands, by an allowed move', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...HELD_STATES),
      losses,
      fc.boolean(),
      fc.boolean(),
      (state, onClusterLoss, accepted, canceling) => {
        const job = jobIn(state, {
          onClusterLoss,
          cancelRequestedAt: canceling ? 1 : null,
          acceptedAt: state === 'received' ? null : accepted || state !== 'unknown' ? 10 : null,
        });
        const { to } = answerNotHeld(job, NOW);
        expect(isAllowed(state, to)).toBe(true);
        expect(HELD_STATES).not.toContain(to);
        expect(to === 'canceled').toBe(canceling);
      },
    ),
  );
});

test('who holds a stale epoch, an ended job or another cluster’s is stopped, and may forget once it has ended', () => {
  const foreign = jobIn('running', { clusterId: 8 });
  for (const [job, epoch] of [
    [jobIn('running'), 2],
    [jobIn('failed'), 3],
    [foreign, 3],
    [null, 3],
  ] as const) {
    expect(answerReport(job, report('running', { epoch }), CLUSTER, NOW).kind).toBe('stop');
    expect(answerReport(job, report('completed', { epoch }), CLUSTER, NOW).kind).toBe('acknowledge');
  }
});

test('what was accepted has a native id, even if the agent gave none', () => {
  const answer = answerReport(jobIn('received'), report('accepted'), CLUSTER, NOW);
  expect(answer).toMatchObject({ kind: 'write', change: { to: 'accepted', nativeId: '5.3' } });
});

test('completed, and with a failure: it has failed; with none, it has completed', () => {
  const outcome = (more: Partial<Report>, state: JobState = 'running') =>
    answerReport(jobIn(state), report('completed', more), CLUSTER, NOW);
  const failed = (code: string, message: string) => ({ change: { to: 'failed', reason: { code, message } } });
  const though = 'though its agent reported it as completed';
  expect(outcome({ exitCode: 3 })).toMatchObject(failed('exit', `exit code 3, ${though}`));
  expect(outcome({ signal: 9, exitCode: 137 })).toMatchObject(failed('signal', `signal 9, ${though}`));
  expect(outcome({ signal: 9 }, 'unknown')).toMatchObject({ change: { to: 'failed', signal: 9 } });
  expect(outcome({ exitCode: 3 }, 'received')).toMatchObject({ change: { to: 'accepted' } });
  for (const more of [{}, { exitCode: 0 }, { exitCode: 0, signal: 0 }]) {
    expect(outcome(more)).toMatchObject({ change: { to: 'completed', reason: { code: 'exit', message: '' } } });
  }
  expect(outcome({ exitCode: 3 }, 'failed').kind).toBe('acknowledge');
});

test('a late report of an earlier state changes nothing', () => {
  expect(answerReport(jobIn('running'), report('accepted'), CLUSTER, NOW).kind).toBe('acknowledge');
  expect(answerReport(jobIn('running'), report('received'), CLUSTER, NOW).kind).toBe('acknowledge');
  expect(answerReport(jobIn('unknown'), report('received'), CLUSTER, NOW).kind).toBe('acknowledge');
});

test('what was stopped at its deadline has failed by it, and is not tried again', () => {
  const stopped = (state: JobState) =>
    answerReport(
      jobIn(state, { cancelRequestedAt: 5, cancelCode: 'deadline' }),
      report('canceled', { reason: { code: 'user', message: '' } }),
      CLUSTER,
      NOW,
    );
  expect(stopped('running')).toMatchObject({ change: { to: 'failed', reason: { code: 'deadline' } } });
  // A job that never was in the native queue cannot have failed.
  expect(stopped('received')).toMatchObject({ change: { to: 'canceled', reason: { code: 'deadline' } } });
});

test('a store that was put back believes its clusters: what they have is theirs, what they do not have is not run again', () => {
  const restored = { reason: { code: 'restored', message: '' } } as const;
  const waiting = jobIn('pending', { ...restored, waits: 1 });
  for (const [said, epoch] of [
    ['running', 3],
    ['received', 4],
    ['completed', 9],
  ] as const) {
    expect(answerReport(waiting, report(said, { epoch }), CLUSTER, NOW)).toEqual({ kind: 'adopt' });
  }
  // An older attempt, another's job, or one that is given back.
  expect(answerReport(waiting, report('running', { epoch: 2 }), CLUSTER, NOW).kind).toBe('stop');
  expect(answerReport(waiting, report('running'), 8, NOW).kind).toBe('stop');
  expect(answerReport(waiting, report('pending'), CLUSTER, NOW).kind).toBe('acknowledge');
  // One that somebody holds for another reason is nobody's.
  const held = jobIn('pending', { reason: { code: 'held', message: '' }, waits: 1 });
  expect(answerReport(held, report('running'), CLUSTER, NOW).kind).toBe('stop');

  for (const onClusterLoss of ['wait', 'requeue', 'duplicate', 'fail'] as const) {
    const unknown = jobIn('unknown', { ...restored, onClusterLoss, acceptedAt: 10 });
    expect(answerReport(unknown, report('running'), CLUSTER, NOW)).toMatchObject({ change: { to: 'running' } });
    expect(answerNotHeld(unknown, NOW)).toMatchObject({ to: 'failed', reason: { code: 'restored' } });
  }
});

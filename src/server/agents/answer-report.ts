/**
 * What to do about what an agent says of a job, and about a job that it does not mention. Pure.
 * Reports are level-triggered: each says all that the agent knows of one job under one epoch, may come late, twice or
 * skip states; so the answer is found from where the job stands, step by step, until nothing is left to write.
 */
import { askedEnd, type AskedEnd } from '../../core/job/asked-end.ts';
import { mayBeAdopted, RESTORED } from '../../core/job/restored.ts';
import { isFinal, type Reason } from '../../core/job/state.ts';
import type { JobRecord, Transition } from '../../store/store.ts';
import { isFinalReport, type Report } from './report.ts';

export type Answer =
  /** It is committed already, or older than what is. */
  | { readonly kind: 'acknowledge' }
  /** Write this and ask again. */
  | { readonly kind: 'write'; readonly change: Transition }
  /** The store was put back to an earlier state, and this cluster has had the job since: take it as it is there. */
  | { readonly kind: 'adopt' }
  /** The agent is to stop it: the job has ended, or is another attempt's now. */
  | { readonly kind: 'stop'; readonly reason: Reason };

/** `job`: what is stored under that id, or null. `clusterId`: of the cluster whose agent speaks. */
export function answerReport(job: JobRecord | null, report: Report, clusterId: number, now: number): Answer {
  const over = isFinalReport(report.state) || report.state === 'pending';
  if (job !== null && report.state !== 'pending' && mayBeAdopted(job, report.epoch, clusterId))
    return { kind: 'adopt' };
  if (job === null || job.epoch !== report.epoch || job.clusterId !== clusterId) {
    // A stale holder that has ended may forget; one that has not is stopped.
    return over ? { kind: 'acknowledge' } : { kind: 'stop', reason: staleReason(report) };
  }
  if (isFinal(job.state)) return over ? { kind: 'acknowledge' } : { kind: 'stop', reason: job.reason };
  switch (job.state) {
    case 'pending':
      return over ? { kind: 'acknowledge' } : { kind: 'stop', reason: staleReason(report) };
    case 'assigned':
      return write(job, 'received', { code: 'leased', message: '' }, now);
    default:
      return answerHeld(job, report, now);
  }
}

function answerHeld(job: JobRecord, report: Report, now: number): Answer {
  const accepted = job.state === 'accepted' || job.state === 'running';
  switch (report.state) {
    case 'accepted':
      return accepted ? { kind: 'acknowledge' } : write(job, 'accepted', report.reason, now, facts(job, report));
    case 'running':
      if (job.state === 'running') return { kind: 'acknowledge' };
      if (job.state === 'received') return acceptFirst(job, report, now);
      return write(job, 'running', report.reason, now, facts(job, report));
    case 'completed':
    case 'failed':
      if (contradictsItself(report)) return answerHeld(job, asFailed(report), now);
      // received → completed is not in the table: what ended was in the native queue, even if nobody told us.
      if (job.state === 'received') return acceptFirst(job, report, now);
      return write(job, report.state, report.reason, now, ends(job, report, now));
    case 'canceled': {
      const { to, reason } = canceledEnd(job, report);
      return write(job, to, reason, now, ends(job, report, now));
    }
    case 'pending':
      if (job.cancelRequestedAt !== null) {
        const { to, reason } = canceledEnd(job, report);
        return write(job, to, reason, now, ends(job, report, now));
      }
      return write(job, 'pending', report.reason, now);
    default:
      return { kind: 'acknowledge' }; // received: it is
  }
}

/** Completed means that nothing failed: a report that says both is believed in what it says of the processes. */
export function contradictsItself(report: Report): boolean {
  return report.state === 'completed' && (isSet(report.exitCode) || isSet(report.signal));
}

function isSet(value: number | null): boolean {
  return value !== null && value !== 0;
}

export function asFailed(report: Report): Report {
  const { exitCode, signal, reason } = report;
  const what = isSet(signal) ? `signal ${signal}` : `exit code ${exitCode}`;
  const said = reason.message === '' ? '' : ` (${reason.message})`;
  return {
    ...report,
    state: 'failed',
    reason: {
      code: isSet(signal) ? 'signal' : 'exit',
      message: `${what}, though its agent reported it as completed${said}`,
    },
  };
}

/**
 * A job that the store says this agent holds, and the agent says it does not. Its journal is durable, so it is
 * believed: what it never put into its queue goes back; what it did is lost, and the job's owner chose what then.
 */
export function answerNotHeld(job: JobRecord, now: number): Transition {
  const where = `the agent of cluster ${job.cluster ?? ''}`;
  if (job.cancelRequestedAt !== null) {
    const { to, reason } = askedEnd(job, `${where} does not hold it any more`);
    return change(job, to, reason, now, { endedAt: now });
  }
  if (job.acceptedAt === null) {
    return change(job, 'pending', { code: 'not_held', message: `${where} never took it` }, now);
  }
  if (job.reason.code === RESTORED) {
    // It was in the native queue before, and is not any more: it ran, or was taken out. Nobody chose to run it again.
    const message = `${where} does not hold it any more: it ended in the time that the store has lost, and how is not known`;
    return change(job, 'failed', { code: RESTORED, message }, now, { endedAt: now });
  }
  if (job.onClusterLoss === 'requeue' || job.onClusterLoss === 'duplicate') {
    return change(job, 'pending', { code: 'requeued', message: `${where} no longer knows it` }, now);
  }
  const message = `${where} no longer knows it; how it ended is not known (on_cluster_loss: requeue would run it again)`;
  return change(job, 'failed', { code: 'cluster_lost', message }, now, { endedAt: now });
}

function acceptFirst(job: JobRecord, report: Report, now: number): Answer {
  return write(job, 'accepted', { code: 'in_native_queue', message: '' }, now, facts(job, report));
}

/** An accepted job of an agent always has a native id: it tells it from one that a polling client accepted. */
function facts(job: JobRecord, report: Report): Partial<Transition> {
  return {
    nativeId: report.nativeId === '' ? (job.nativeId ?? `${job.id}.${job.epoch}`) : report.nativeId,
    ...(report.acceptedAt === null ? {} : { acceptedAt: report.acceptedAt }),
    ...(report.startedAt === null ? {} : { startedAt: report.startedAt }),
  };
}

function ends(job: JobRecord, report: Report, now: number): Partial<Transition> {
  return {
    ...facts(job, report),
    endedAt: report.endedAt ?? now,
    exitCode: report.exitCode,
    signal: report.signal,
  };
}

/** Canceled behind our back, unless somebody asked for it. */
function canceledEnd(job: JobRecord, { reason }: Report): AskedEnd {
  return job.cancelRequestedAt === null ? { to: 'canceled', reason } : askedEnd(job, reason.message);
}

/** Says nothing of the job as it is now: it may be another cluster's. */
function staleReason(report: Report): Reason {
  return {
    code: 'moved',
    message: `epoch ${report.epoch} of job ${report.jobId} is not this cluster's, is over, or is not known to the server (its store may have been put back to an earlier state)`,
  };
}

function write(
  job: JobRecord,
  to: Transition['to'],
  reason: Reason,
  now: number,
  more: Partial<Transition> = {},
): Answer {
  return { kind: 'write', change: change(job, to, reason, now, more) };
}

function change(
  job: JobRecord,
  to: Transition['to'],
  reason: Reason,
  at: number,
  more: Partial<Transition> = {},
): Transition {
  return { ...more, id: job.id, from: [job.state], epoch: job.epoch, to, reason, at };
}

/** An event of the wire, for programs and for people. */
import type { Event } from '../../gen/rainbow/v1/job_pb.js';
import { clean, type Paint } from '../paint.ts';
import { reasonJson, reasonText } from './job.ts';
import { isoTime } from './time.ts';

export function eventJson(event: Event) {
  return {
    seq: Number(event.seq),
    at: isoTime(event.at),
    subject: event.subject,
    jobId: event.jobId === '0' || event.jobId === '' ? null : Number(event.jobId),
    cluster: event.cluster === '' ? null : event.cluster,
    kind: event.kind,
    epoch: event.epoch === '0' || event.epoch === '' ? null : Number(event.epoch),
    reason: reasonJson(event.reason),
    detail: event.detail ?? null,
  };
}

export function eventLine(paint: Paint, event: Event): string {
  const about =
    event.subject === 'job'
      ? `job ${event.jobId}`
      : `${clean(event.subject)}${event.cluster === '' ? '' : ` ${event.cluster}`}`;
  const where = event.subject === 'job' && event.cluster !== '' ? ` (${event.cluster})` : '';
  const why = reasonText(event.reason);
  return `${paint.dim(isoTime(event.at) ?? '')}  ${event.seq}  ${about}  ${clean(event.kind)}${where}${why === '' ? '' : `: ${why}`}`;
}

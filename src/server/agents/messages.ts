/** What the server says to an agent, as messages. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { BidQuestion } from '../../core/bid/bid.ts';
import type { Handling } from '../../core/job/handling.ts';
import type { Reason } from '../../core/job/state.ts';
import type { FileLimits } from '../../core/staging/manifest.ts';
import type { OutputOffsetSchema, ServerMessageSchema, StagingSchema } from '../../gen/rainbow/v1/agent_pb.js';
import { JobState } from '../../gen/rainbow/v1/job_pb.js';
import type { JobId, JobRecord } from '../../store/store.ts';
import { defaultFileSettings } from '../files/settings.ts';
import type { Report } from './report.ts';

/** The version of the agent protocol that this server speaks. */
export const PROTOCOL = 1;

type Message = MessageInitShape<typeof ServerMessageSchema>;

export function welcome(settings: { readonly serverVersion: string; readonly heartbeat: number }): Message {
  const { serverVersion, heartbeat } = settings;
  return { message: { case: 'welcome', value: { serverVersion, protocol: PROTOCOL, heartbeat } } };
}

/** `outputCap`: bytes, where the job asks for none of its own. `files`: the limits of what it leaves behind. */
export function start(
  job: JobRecord,
  { outputCap, files = defaultFileSettings }: { readonly outputCap: number; readonly files?: FileLimits },
): Message {
  const { name, owner, jobspec, walltime, priority, handling, array } = job;
  const cap = String(handling.outputCap ?? outputCap);
  return {
    message: {
      case: 'start',
      value: {
        jobId: job.id,
        epoch: String(job.epoch),
        name,
        owner,
        jobspec,
        walltime,
        priority,
        outputCap: cap,
        ...(array === null ? {} : { array: { ...array } }),
        ...stagingOf(handling, files),
      },
    },
  };
}

function stagingOf({ staging }: Handling, limits: FileLimits): { staging?: MessageInitShape<typeof StagingSchema> } {
  if (staging === undefined) return {};
  return {
    staging: {
      files: staging.files,
      bytes: String(staging.bytes),
      stageOut: [...staging.out],
      mostFiles: limits.files,
      mostBytes: String(limits.bytes),
      mostFileBytes: String(limits.fileBytes),
    },
  };
}

export function offered(
  jobs: readonly JobRecord[],
  gone: readonly { readonly id: JobId; readonly epoch: number }[],
): Message {
  return {
    message: {
      case: 'offered',
      value: {
        jobs: jobs.map(({ id, epoch, name, owner, jobspec, walltime, priority }) => ({
          jobId: id,
          epoch: String(epoch),
          name,
          owner,
          jobspec,
          walltime,
          priority,
        })),
        gone: gone.map(({ id, epoch }) => ({ jobId: id, epoch: String(epoch) })),
      },
    },
  };
}

export function follow(jobId: JobId, epoch: number, isFollowed: boolean): Message {
  return { message: { case: 'follow', value: { jobId, epoch: String(epoch), follow: isFollowed } } };
}

export function stop(jobId: JobId, epoch: number, reason: Reason): Message {
  return { message: { case: 'stop', value: { jobId, epoch: String(epoch), reason: { ...reason } } } };
}

export function bidRequest(id: string, question: BidQuestion, withinMs: number): Message {
  const { shape, jobspec, walltime, priority } = question;
  const value = { id, shape, jobspec, walltime, priority, answerWithin: withinMs / 1000 };
  return { message: { case: 'bidRequest', value } };
}

export function withdraw(job: JobRecord, why: string): Message {
  return { message: { case: 'withdraw', value: { jobId: job.id, epoch: String(job.epoch), message: why } } };
}

export function acknowledge(report: Report): Message {
  const state = JobState[report.state.toUpperCase() as keyof typeof JobState];
  return { message: { case: 'reportAck', value: { jobId: report.jobId, epoch: String(report.epoch), state } } };
}

export function outputKept(
  jobId: JobId,
  epoch: number,
  offsets: MessageInitShape<typeof OutputOffsetSchema>[],
): Message {
  return { message: { case: 'outputAck', value: { jobId, epoch: String(epoch), offsets } } };
}

export function heartbeat(at: Timestamp): Message {
  return { message: { case: 'heartbeat', value: { at } } };
}

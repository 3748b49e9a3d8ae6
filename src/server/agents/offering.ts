/**
 * Offers what is assigned to a cluster to an agent that chooses, and does what it chose. What is offered stays so until
 * it is chosen or gone; each job is sent once on a stream. What the agent leaves is written down, with why and until
 * when (scheduler/left.ts takes it back then).
 * Invariants: offered while the agent has room alone, at most MOST jobs and MOST_BYTES of jobspecs at once; taken only
 * what is still assigned, and never more than there is room for.
 */
import { invalid } from '../../core/errors.ts';
import type { Choose, JobEpoch } from '../../gen/rainbow/v1/agent_pb.js';
import type { Scheduler } from '../../scheduler/scheduler.ts';
import type { ClusterRef, JobId, JobRecord, JobStore } from '../../store/store.ts';
import * as message from './messages.ts';
import { kept, readEpoch, readJobId } from './report.ts';

const MOST = 256;
const MOST_BYTES = 8 * 2 ** 20;
/** Of one message. */
const MESSAGE_BYTES = 512 * 2 ** 10;
const MOST_MESSAGE = 300;

export interface Offering {
  /** Something may have been assigned. */
  look(): void;
  /** There may be room now: looks where that was missing. */
  again(): void;
  chose(choice: Choose): Promise<void>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

export interface OfferingParts {
  readonly cluster: ClusterRef;
  readonly jobs: Pick<JobStore, 'assigned'>;
  readonly scheduler: Pick<Scheduler, 'receiveThese' | 'leave'>;
  /** How many more jobs the agent takes now. */
  readonly room: () => number;
  readonly ended: () => boolean;
  readonly send: (sent: ReturnType<typeof message.offered>) => Promise<void>;
  readonly start: (job: JobRecord) => void;
  readonly fail: (error: unknown) => void;
}

interface Key {
  readonly id: JobId;
  readonly epoch: number;
}

export function createOffering(parts: OfferingParts): Offering {
  const { cluster } = parts;
  const open = new Map<JobId, JobRecord>();
  let bytes = 0;
  let asked = false;
  /** There was more than was offered. */
  let more = false;
  let looking: Promise<void> | null = null;

  const close = (id: JobId): void => {
    bytes -= open.get(id)?.jobspec.length ?? 0;
    open.delete(id);
  };

  const lookOnce = async (): Promise<void> => {
    more = parts.room() <= 0;
    if (more) return;
    const assigned = await parts.jobs.assigned(cluster, MOST);
    more = assigned.length === MOST;
    const now = new Map(assigned.map((job) => [job.id, job.epoch]));
    const gone = [...open.values()].filter(({ id, epoch }) => now.get(id) !== epoch);
    for (const { id } of gone) close(id);
    let page: JobRecord[] = [];
    let size = 0;
    const flush = async (): Promise<void> => {
      const jobs = page;
      page = [];
      size = 0;
      if (!parts.ended()) await parts.send(message.offered(jobs, gone.splice(0)));
    };
    for (const job of assigned) {
      if (open.has(job.id)) continue;
      if (open.size > 0 && bytes + job.jobspec.length > MOST_BYTES) {
        more = true;
        break;
      }
      if (size > 0 && size + job.jobspec.length > MESSAGE_BYTES) await flush();
      open.set(job.id, job);
      bytes += job.jobspec.length;
      size += job.jobspec.length;
      page.push(job);
    }
    if (page.length > 0 || gone.length > 0) await flush();
  };

  const look = (): void => {
    asked = true;
    if (looking !== null || parts.ended()) return;
    looking = (async () => {
      while (asked && !parts.ended()) {
        asked = false;
        await lookOnce();
      }
    })()
      .catch(parts.fail)
      .finally(() => {
        looking = null;
        // Asked for between the last look and now.
        if (asked) look();
      });
  };

  const again = (): void => {
    if (more && parts.room() > 0) look();
  };

  return {
    look,
    again,

    async chose(choice) {
      if (choice.take.length > MOST * 2 || choice.leave.length > MOST * 2) {
        throw invalid('choose', `names more jobs than are ever offered: at most ${MOST * 2}`);
      }
      // 1. What it takes.
      const wanted = choice.take.map((key, place) => readKey(key, `choose.take[${place}]`));
      const some = wanted.slice(0, Math.max(0, parts.room()));
      const received = some.length === 0 ? [] : await parts.scheduler.receiveThese(cluster, some);
      const got = new Set(received.map(({ id }) => id));
      for (const job of received) {
        close(job.id);
        parts.start(job);
      }
      const lost = wanted.filter(({ id }) => !got.has(id));
      for (const { id } of lost) close(id);
      // What there was no room for is offered again once there is.
      if (wanted.length > some.length) more = true;
      if (lost.length > 0) await parts.send(message.offered([], lost));
      // 2. What it leaves.
      const left = choice.leave.flatMap((each, place) => {
        const { id, epoch } = readKey(each, `choose.leave[${place}]`);
        const job = open.get(id);
        if (job?.epoch !== epoch) return [];
        return [{ job, message: `left by its agent: ${kept(each.message, MOST_MESSAGE)}` }];
      });
      if (left.length > 0) await parts.scheduler.leave(left);
      again();
    },

    async idle() {
      await looking;
    },
  };
}

function readKey(key: Pick<JobEpoch, 'jobId' | 'epoch'>, place: string): Key {
  return { id: readJobId(key.jobId, `${place}.job_id`), epoch: readEpoch(key.epoch, `${place}.epoch`) };
}

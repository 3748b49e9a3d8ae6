/** Ports with something wrong in them, to see that the simulation finds it. Nothing of it is in the product. */
import type { Entry } from '../../src/agent/journal.ts';
import type { Matcher } from '../../src/core/match/matcher.ts';
import type { Engine } from '../../src/store/engine.ts';
import type { Arguments, OperationName, Result } from '../../src/store/operations/operations.ts';
import type { JobRecord } from '../../src/store/store.ts';
import type { Ports } from './life.ts';

/** An engine whose calls of some name are made otherwise. */
function engine(changes: {
  readonly [N in OperationName]?: (engine: Engine, ...args: Arguments<N>) => Promise<Result<N>>;
}): Ports {
  return {
    server: {
      engine(disk, process) {
        const real = disk.open(process);
        return {
          ...real,
          call<N extends OperationName>(name: N, args: Arguments<N>): Promise<Result<N>> {
            const change = changes[name];
            return change === undefined ? real.call(name, args) : change(real, ...args);
          },
        };
      },
    },
  };
}

function withoutDebits(matcher: Matcher): Matcher {
  return new Proxy(matcher, {
    get(target, name) {
      if (name === 'debit') return () => undefined;
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

interface Planted {
  readonly bug: string;
  /** Where it shows early. */
  readonly seed: number;
  /** What does not hold then: one of these. */
  readonly breaks: readonly string[];
  readonly ports: () => Ports;
}

export const PLANTED: readonly Planted[] = [
  {
    bug: 'leases without an epoch: whoever reports is believed to hold the job as it is now',
    seed: 2,
    breaks: ['ends', 'end', 'started', 'acknowledged'],
    ports: () => ({
      server: {
        epochOf: (jobId, epoch, jobs) => jobs.get(jobId)?.epoch ?? epoch,
      },
    }),
  },
  {
    bug: 'a store that answers before the disk has it',
    seed: 1,
    breaks: ['answered', 'acknowledged', 'started', 'events'],
    ports: () => ({ server: { engine: (disk, process) => disk.open(process, true) } }),
  },
  {
    bug: 'an agent that adopts native jobs by name alone, whatever their epoch',
    seed: 15,
    breaks: ['ends', 'started'],
    ports() {
      const newest = new Map<string, number>();
      const known = ({ order }: Entry): void => void newest.set(order.jobId, order.epoch);
      return {
        agent: {
          journal: (journal) => ({
            ...journal,
            put(entry) {
              known(entry);
              return journal.put(entry);
            },
          }),
          runner: (runner) => ({
            ...runner,
            find: async () =>
              (await runner.find()).map((native) => ({ ...native, epoch: newest.get(native.jobId) ?? native.epoch })),
          }),
        },
      };
    },
  },
  {
    bug: 'idempotency keys that are not kept',
    seed: 1,
    breaks: ['answered'],
    ports: () => engine({ submitJob: (real, job) => real.call('submitJob', [{ ...job, idempotencyKey: null }]) }),
  },
  {
    bug: 'an agent’s lease that ends by time',
    seed: 4,
    breaks: ['started', 'ends', 'acknowledged'],
    ports: () =>
      engine({
        receiveJobs: (real, cluster, limit, lease, at) =>
          real.call('receiveJobs', [cluster, limit, lease ?? at + 3_000, at]),
      }),
  },
  {
    bug: 'lost clusters whose jobs are run again whatever their owner chose',
    seed: 25,
    breaks: ['started', 'ends'],
    ports: () =>
      engine({
        jobsAtCluster: async (real, cluster, states) => {
          const jobs: readonly JobRecord[] = await real.call('jobsAtCluster', [cluster, states]);
          return jobs.map((job): JobRecord => ({ ...job, onClusterLoss: 'requeue' }));
        },
      }),
  },
  {
    bug: 'an agent that does not find its native jobs again',
    seed: 3,
    breaks: ['ends', 'started', 'end'],
    ports: () => ({ agent: { runner: (runner) => ({ ...runner, find: () => Promise.resolve([]) }) } }),
  },
  {
    bug: 'decisions that do not debit',
    seed: 5,
    breaks: ['capacity'],
    ports: () => ({ server: { matcher: withoutDebits } }),
  },
  {
    bug: 'events that become visible after later ones',
    seed: 1,
    breaks: ['events'],
    ports: () =>
      engine({
        eventsAfter: async (real, ...args) => {
          const events = await real.call('eventsAfter', args);
          return events.length > 2 ? events.filter((_, place) => place !== 1) : events;
        },
      }),
  },
];

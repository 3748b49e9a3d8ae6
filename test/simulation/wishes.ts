/** What the submitters of a simulated life ask for beside the job itself: most of them nothing, each at times something. */
import type { RetryPolicy } from '../../src/core/job/retry.ts';
import { END_KINDS } from '../../src/core/job/waits.ts';
import type { SeededRandom } from '../../src/core/random.ts';
import { WhenBusy } from '../../src/gen/rainbow/v1/job_pb.js';
import type { OnEnd, Submit } from './people.ts';

export type Wish = Pick<
  Submit,
  | 'array'
  | 'dependencies'
  | 'hold'
  | 'beginIn'
  | 'startWithin'
  | 'endWithin'
  | 'retry'
  | 'returnAfter'
  | 'whenBusy'
  | 'policy'
  | 'rebid'
>;

/** `answered`: jobs and arrays that are there to depend on, newest last. */
export function whenToRun(random: SeededRandom, answered: readonly string[]): Wish {
  const at = (odds: number): boolean => random.below(odds) === 0;
  const tasks = 2 + random.below(4);
  return {
    array: at(6) ? { tasks, mostAtOnce: at(2) ? 1 + random.below(tasks) : null } : null,
    dependencies: at(4) ? dependencies(random, answered) : [],
    hold: at(12),
    beginIn: at(10) ? [1_000, 10_000, 60_000][random.below(3)]! : null,
    startWithin: at(12) ? [2_000, 15_000, 90_000][random.below(3)]! : null,
    // Jobs ask for 20 seconds.
    endWithin: at(12) ? [22_000, 40_000, 120_000][random.below(3)]! : null,
    retry: at(3) ? retry(random) : null,
    returnAfter: at(6) ? 5 : 0,
    whenBusy: [WhenBusy.UNSPECIFIED, WhenBusy.UNSPECIFIED, WhenBusy.QUEUE, WhenBusy.WAIT][random.below(4)]!,
    policy: ['', '', 'soonest', 'least-loaded'][random.below(4)]!,
  };
}

/** On one or two of the newest, that may be ended or not. */
function dependencies(random: SeededRandom, answered: readonly string[]): readonly OnEnd[] {
  const some = answered.slice(-6);
  if (some.length === 0) return [];
  const one = (): OnEnd => ({
    kind: END_KINDS[random.below(END_KINDS.length)]!,
    on: some[random.below(some.length)]!,
  });
  return random.below(2) === 0 ? [one()] : [one(), one()];
}

function retry(random: SeededRandom): RetryPolicy {
  const on = [['exit', 'signal', 'node_failure', 'cluster_lost'], ['exit:3'], ['signal', 'refused']][random.below(3)]!;
  const where = (['anywhere', 'anywhere', 'here', 'elsewhere'] as const)[random.below(4)]!;
  return { limit: 1 + random.below(2), on, where, delay: [0, 1, 6][random.below(3)]! };
}

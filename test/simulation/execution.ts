/** What a job does on a simulated cluster: writes a little, runs a while, ends well or not. */
import { keyText, type NativeEnd } from '../../src/agent/runners/runner.ts';
import type { QueueOptions } from './native-queue.ts';
import type { Timeline } from './timeline.ts';

const ENDS: readonly NativeEnd[] = [
  { outcome: 'completed', reason: { code: 'exit', message: '' }, exitCode: 0, signal: null },
  { outcome: 'completed', reason: { code: 'exit', message: '' }, exitCode: 0, signal: null },
  { outcome: 'completed', reason: { code: 'exit', message: '' }, exitCode: 0, signal: null },
  { outcome: 'failed', reason: { code: 'exit', message: '' }, exitCode: 3, signal: null },
  { outcome: 'failed', reason: { code: 'signal', message: '' }, exitCode: null, signal: 9 },
  { outcome: 'failed', reason: { code: 'node_failure', message: '' }, exitCode: null, signal: null },
];
const KILLED: NativeEnd = {
  outcome: 'failed',
  reason: { code: 'signal', message: '' },
  exitCode: null,
  signal: 15,
};

/** `ms`: how long, about. */
export function execution(timeline: Timeline, cluster: string, ms: number): QueueOptions['execute'] {
  return (order, tell) => {
    const key = keyText(order);
    timeline.note(`${cluster}: runs ${key}`);
    const end = (how: NativeEnd): void => {
      timeline.note(`${cluster}: ${key} ${how.outcome} (${how.reason.code})`);
      tell.ended(how);
    };
    if (timeline.oneIn(2)) tell.wrote('stdout', new Uint8Array(1 + timeline.chance.below(300)));
    timeline.plan(timeline.delay(ms), null, () => {
      if (timeline.oneIn(3)) tell.wrote('stderr', new Uint8Array(20));
      end(ENDS[timeline.chance.below(ENDS.length)]!);
    });
    return { stop: () => void timeline.plan(timeline.delay(200), null, () => end(KILLED)) };
  };
}

/** One policy's day, in a thread of its own: what it is asked for comes in, its measures go out. */
import { parentPort, workerData } from 'node:worker_threads';
import { simulate, type Rule } from '../../src/simulator/simulate.ts';
import { planDay, type DaySize } from '../../src/simulator/workload.ts';

const { rule, size } = workerData as { readonly rule: Rule; readonly size: DaySize };
const day = planDay(size, 'a day');
const before = process.threadCpuUsage();
const measures = simulate(day, rule, 'run');
const { user, system } = process.threadCpuUsage(before);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
parentPort!.postMessage({ measures, micros: (user + system) / day.jobs.length });

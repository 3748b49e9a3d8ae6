/** The simulated queue is a runner like any other: admitted by the same suite, with real processes. */
import { spawn } from 'node:child_process';
import { constants, tmpdir } from 'node:os';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runnerConformance } from '../../src/agent/runners/conformance.ts';
import { arrayEnvironment, arrayEnvironmentOfOthers, keyText, type Order } from '../../src/agent/runners/runner.ts';
import { generateGraph } from '../../src/core/graph/generate.ts';
import { launchPlan } from '../../src/core/jobspec/launch.ts';
import type { Reason } from '../../src/core/job/state.ts';
import { readJobspec } from '../../src/core/jobspec/read.ts';
import { realSystem } from '../../src/system/real.ts';
import { NativeQueue, type Execution, type QueueOptions } from './native-queue.ts';

/** Native ids of jobs that were made to vanish: to end by themselves, with nobody knowing how. */
const vanishing = new Map<string, () => void>();

const ENTER = 'cd -- "$1" || { echo "cannot enter the directory $1" >&2; exit 126; }; shift; exec "$@"';

const inProcess: QueueOptions['execute'] = (order: Order, tell): Execution => {
  const jobspec = readJobspec(order.jobspec);
  const { command } = launchPlan(jobspec, null)[0]!;
  const [program = '', ...args] =
    jobspec.cwd === null ? command : ['/bin/sh', '-c', ENTER, 'sh', jobspec.cwd, ...command];
  const env = { ...process.env, ...arrayEnvironmentOfOthers(order.array), ...arrayEnvironment(order.array) };
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env });
  child.stdout.on('data', (data: Buffer) => tell.wrote('stdout', new Uint8Array(data)));
  child.stderr.on('data', (data: Buffer) => tell.wrote('stderr', new Uint8Array(data)));
  child.once('error', (error) =>
    tell.ended({
      outcome: 'failed',
      reason: { code: 'cannot_start', message: error.message },
      exitCode: 127,
      signal: null,
    }),
  );
  let killedFor: Reason | null = null;
  const stop = (): void => void (child.pid !== undefined && process.kill(-child.pid, 'SIGKILL'));
  const killFor = (reason: Reason): void => {
    killedFor = reason;
    stop();
  };
  const limit = setTimeout(() => killFor({ code: 'time_limit', message: 'time limit' }), order.walltime * 1000);
  const nativeId = `native-${keyText(order)}`;
  vanishing.set(nativeId, () => killFor({ code: 'native', message: 'it is gone' }));
  child.once('close', (code, signal) => {
    clearTimeout(limit);
    vanishing.delete(nativeId);
    if (killedFor !== null) return tell.ended({ outcome: 'failed', reason: killedFor, exitCode: null, signal: null });
    tell.ended({
      outcome: code === 0 ? 'completed' : 'failed',
      reason: { code: signal === null ? 'exit' : 'signal', message: '' },
      exitCode: code,
      signal: signal === null ? null : constants.signals[signal],
    });
  });
  return { stop };
};

runnerConformance({
  name: 'of the simulation',
  async create(cores) {
    const scratch = await mkdtemp(join(tmpdir(), 'rainbow-simulated-'));
    const queue = new NativeQueue({
      clock: realSystem.clock,
      graph: generateGraph({ name: 'red', nodes: 1, coresPerNode: cores }),
      execute: inProcess,
      tellsBusy: true,
    });
    return {
      scratch,
      open: () => Promise.resolve(queue.open()),
      vanish: ({ nativeId }) => Promise.resolve(vanishing.get(nativeId)!()),
      dispose: () => rm(scratch, { recursive: true, force: true }),
    };
  },
});

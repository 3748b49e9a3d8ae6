/** The simulated queue is a runner like any other: admitted by the same suite, with real processes. */
import { spawn } from 'node:child_process';
import { constants, tmpdir } from 'node:os';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runnerConformance } from '../../src/agent/runners/conformance.ts';
import { arrayEnvironment, arrayEnvironmentOfOthers, type Order } from '../../src/agent/runners/runner.ts';
import { generateGraph } from '../../src/core/graph/generate.ts';
import { launchPlan } from '../../src/core/jobspec/launch.ts';
import { readJobspec } from '../../src/core/jobspec/read.ts';
import { realSystem } from '../../src/system/real.ts';
import { NativeQueue, type Execution, type QueueOptions } from './native-queue.ts';

const inProcess: QueueOptions['execute'] = (order: Order, tell): Execution => {
  const [program = '', ...args] = launchPlan(readJobspec(order.jobspec), null)[0]!.command;
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
  child.once('close', (code, signal) =>
    tell.ended({
      outcome: code === 0 ? 'completed' : 'failed',
      reason: { code: signal === null ? 'exit' : 'signal', message: '' },
      exitCode: code,
      signal: signal === null ? null : constants.signals[signal],
    }),
  );
  return { stop: () => void (child.pid !== undefined && process.kill(-child.pid, 'SIGKILL')) };
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
      dispose: () => rm(scratch, { recursive: true, force: true }),
    };
  },
});

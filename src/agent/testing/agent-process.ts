/**
 * An agent as a process of its own, for tests that kill it. Its argument is JSON: the agent's options, and the
 * sentinel at which it kills itself. Says "ended" or what went wrong on standard output when it ends.
 */
import { flushCompileCache } from 'node:module';
import { realSystem } from '../../system/real.ts';
import { runAgent, type AgentOptions } from '../agent.ts';
import type { Sentinel } from '../sentinels.ts';

export type AgentProcessOptions = Omit<AgentOptions, 'log' | 'reached'> & { readonly killAt: Sentinel | null };

// Who is killed leaves nothing to the next one's start.
flushCompileCache();

const { killAt, ...options } = JSON.parse(process.argv[2]!) as AgentProcessOptions;
const ending = new AbortController();
process.on('SIGTERM', () => ending.abort());
const say = (message: string): void => void process.stdout.write(`${message}\n`);
try {
  await runAgent(
    {
      ...options,
      log: { info: say, warn: say },
      reached: (point) => {
        if (point === killAt) process.kill(process.pid, 'SIGKILL');
      },
    },
    realSystem,
    ending.signal,
  );
  say('ended');
} catch (error) {
  say(`failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

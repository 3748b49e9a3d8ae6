/**
 * Runs `flux`: with what environment, as whom, how long it may take, and what its words on standard error mean. Which
 * instance it is about is said by FLUX_URI alone, as everywhere with Flux.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { RainbowError } from '../../../core/errors.ts';
import type { System } from '../../../system/system.ts';
import { answerOf, lastWords, type Answer, type Call } from '../batch/commands.ts';
import type { JobUser } from '../process/user.ts';

export interface Flux {
  /** Rejects with `unavailable` (not started, not in time) or `failed_precondition` (there is no flux here). */
  ask(args: readonly string[], call?: Call): Promise<Answer>;
  /** One that goes on; its standard input stays open as long as we are there. */
  start(args: readonly string[]): ChildProcess;
}

/** `environment`: the agent's. Commands run as `user`. */
export function fluxCommands(
  environment: Readonly<Record<string, string | undefined>>,
  user: JobUser,
  system: System,
): Flux {
  const start = (args: readonly string[]): ChildProcess =>
    spawn('flux', [...args], {
      env: { ...environmentFor(environment, user), LC_ALL: 'C.UTF-8', NO_COLOR: '1' },
      cwd: '/',
      stdio: ['pipe', 'pipe', 'pipe'],
      // In a group of its own: Ctrl-C in the agent's terminal is for the agent, which waits for the answer.
      detached: true,
      ...(user.switched ? { uid: user.uid, gid: user.gid } : {}),
    });
  return {
    start,
    ask(args, call = {}) {
      const what = `flux ${args.slice(0, 2).join(' ')}`;
      return answerOf(start(args), { name: 'flux', what, scheduler: 'Flux' }, call, system);
    },
  };
}

/** Variables of the job that the agent itself may run in: they are about that job, and its name space in the KVS. */
const OF_A_JOB =
  /^(FLUX_(JOB|TASK|PMI|SHELL|TERMINUS)\w*|FLUX_KVS_NAMESPACE|PMI_\w+|PMIX_\w+|SLURM_\w+|SBATCH_\w+|OMPI_\w+)$/;

/** Never the agent's own secrets. Where commands run as another user, only what Flux itself needs. */
export function environmentFor(
  own: Readonly<Record<string, string | undefined>>,
  user: JobUser,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) {
    if (value === undefined || name.startsWith('RAINBOW_') || OF_A_JOB.test(name)) continue;
    if (!user.switched || /^(PATH|TZ|LANG|LC_\w+|FLUX_\w+|LD_LIBRARY_PATH|PYTHONPATH|LUA_C?PATH)$/.test(name))
      env[name] = value;
  }
  env['PATH'] ??= '/usr/local/bin:/usr/bin:/bin';
  if (user.switched) {
    Object.assign(env, { USER: user.name, LOGNAME: user.name, SHELL: '/bin/sh', HOME: user.home ?? '/' });
  }
  return env;
}

/** The instance could not be asked, or could not say: nothing is known of what was asked for. */
const AWAY =
  /flux_open:|Unable to connect to Flux|No service matching|Connection (refused|timed out|reset)|Broken pipe|Host is unreachable|Transport endpoint|Resource temporarily unavailable|Function not implemented|unable to connect|broker socket|EHOSTUNREACH|Lost connection/i;

/** Flux has said no to this submission. Not all of its words: its plugins have their own, see following.ts. */
const REFUSED = /invalid|unsatisfiable|infeasible|not feasible|disabled|not (allowed|permitted)|exceeds|denied/i;

/** Is it sure that nothing was submitted? False: it may have been. */
export function isRefusal({ stderr }: Answer): boolean {
  return REFUSED.test(stderr);
}

/** `unavailable` where the instance is away, else `failed_precondition` with what the command said. */
export function failed(what: string, answer: Answer): RainbowError {
  const said = lastWords(answer, /^flux-[\w-]+: (ERROR: )?/);
  return AWAY.test(answer.stderr)
    ? new RainbowError('unavailable', `the Flux instance cannot be asked now (${what}: ${said})`)
    : new RainbowError('failed_precondition', `${what}: ${said}`);
}

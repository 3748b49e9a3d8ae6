/**
 * Runs Slurm's own commands. The one place that starts them: with what environment, as whom, and what their
 * words on standard error mean. Times are asked for in UTC, messages in English.
 */
import { spawn } from 'node:child_process';
import { RainbowError } from '../../../core/errors.ts';
import type { System } from '../../../system/system.ts';
import { answerOf, lastWords, type Answer, type Call } from '../batch/commands.ts';
import type { SlurmUser } from './users.ts';

export interface SlurmCall extends Call {
  /** null: as the agent itself. */
  readonly as?: SlurmUser | null;
  /** In the agent's own time zone and language: what a job inherits. */
  readonly plain?: boolean;
}

export type Slurm = (program: string, args: readonly string[], call?: SlurmCall) => Promise<Answer>;

/** `environment`: the agent's. */
export function slurmCommands(environment: Readonly<Record<string, string | undefined>>, system: System): Slurm {
  return (program, args, call = {}) => {
    const { as = null } = call;
    const [name, words] =
      as?.by === 'sudo' ? ['sudo', ['-n', '-u', as.name, '--', program, ...args]] : [program, [...args]];
    const child = spawn(name, words, {
      env: environmentOf(environment, as, call.plain === true),
      cwd: '/',
      stdio: ['pipe', 'pipe', 'pipe'],
      // In a group of its own: Ctrl-C in the agent's terminal is for the agent, which waits for the answer.
      detached: true,
      ...(as?.by === 'uid' ? { uid: as.uid, gid: as.gid } : {}),
    });
    return answerOf(child, { name, what: program, scheduler: 'Slurm' }, call, system);
  };
}

/** Never the agent's own secrets. */
function environmentOf(
  own: Readonly<Record<string, string | undefined>>,
  as: SlurmUser | null,
  plain: boolean,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) {
    if (value === undefined || name.startsWith('RAINBOW_')) continue;
    // SBATCH_ and SQUEUE_ variables would change what is asked; SLURM_ ones are of a job that the agent may run in.
    if (/^(SBATCH_|SQUEUE_|SCANCEL_|SALLOC_|SLURM_)/.test(name) && name !== 'SLURM_CONF' && name !== 'SLURM_JWT')
      continue;
    if (as === null || /^(PATH|TZ|LANG|LC_\w+|SLURM_CONF|LD_LIBRARY_PATH)$/.test(name)) env[name] = value;
  }
  env['PATH'] ??= '/usr/local/bin:/usr/bin:/bin';
  if (as !== null) Object.assign(env, { USER: as.name, LOGNAME: as.name, SHELL: '/bin/sh', HOME: as.home ?? '/' });
  if (!plain) Object.assign(env, { TZ: 'UTC', LC_ALL: 'C', SLURM_TIME_FORMAT: 'standard' });
  return env;
}

/** The controller could not be asked, or could not say: nothing is known of what was asked for. */
const AWAY =
  /Unable to contact slurm controller|Socket timed out|Connection (refused|timed out|reset)|Zero Bytes were transmitted|Transport endpoint|temporarily unable|Resource temporarily unavailable|slurm_load_\w+ error|Unexpected message received|Unable to establish control machine|in standby mode|No route to host|munge|Munge|Protocol authentication error|Communication connection failure|Could not resolve|SlurmctldHost|down for maintenance/;

/** It did not become the user, so it did not ask either. */
const NO_SUDO =
  /^(sudo: (a password is required|a terminal is required|sorry|unknown user|PAM|.*not in the sudoers)|Sorry, user )/m;

/** sbatch, or the controller, has said no to this submission. Not all of their words: see following.ts. */
const REFUSED =
  /Batch job submission failed: .*\b(invalid|specification|not permitted|not available|than permitted|denied|violates|exceeds|dependency)|^sbatch: (fatal: |unrecognized option|option .* requires)/im;

/** Is it sure that nothing was submitted? False: it may have been. */
export function isRefusal({ stderr }: Answer): boolean {
  return NO_SUDO.test(stderr) || REFUSED.test(stderr);
}

/** Without a configuration it looks for one in the DNS. */
const UNCONFIGURED = /DNS SRV|resolve_ctls_from_dns_srv|fetch_config/;

/** `unavailable` where the controller is away, else `failed_precondition` with what the command said. */
export function failed(program: string, answer: Answer): RainbowError {
  if (NO_SUDO.test(answer.stderr)) {
    const why = lastWords(answer, /^sudo: /);
    return new RainbowError(
      'failed_precondition',
      `sudo does not let the agent run ${program} as that user (${why}): look at the rule in sudoers, as docs/slurm.md has it`,
    );
  }
  const words = lastWords(answer, /^\w+: (error: )?/);
  const said = UNCONFIGURED.test(answer.stderr) ? `${words}; set SLURM_CONF to the path of slurm.conf` : words;
  return AWAY.test(answer.stderr)
    ? new RainbowError('unavailable', `Slurm's controller cannot be asked now (${program}: ${said})`)
    : new RainbowError('failed_precondition', `${program}: ${said}`);
}

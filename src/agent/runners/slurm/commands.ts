/**
 * Runs Slurm's own commands. The one place that starts them: with what environment, as whom, how long they may take,
 * and what their words on standard error mean. Times are asked for in UTC, messages in English.
 */
import { spawn } from 'node:child_process';
import { RainbowError } from '../../../core/errors.ts';
import type { System } from '../../../system/system.ts';
import type { SlurmUser } from './users.ts';

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Call {
  /** For standard input; '' for none. */
  readonly input?: string;
  /** null: as the agent itself. */
  readonly as?: SlurmUser | null;
  /** Milliseconds; default 30 s. */
  readonly limitMs?: number;
  /** Called once it was started. */
  readonly started?: () => void;
  /** In the agent's own time zone and language: what a job inherits. */
  readonly plain?: boolean;
}

export type Slurm = (program: string, args: readonly string[], call?: Call) => Promise<Answer>;

const MOST_OUTPUT = 256 * 1024 * 1024;
const LIMIT_MS = 30_000;

/** `environment`: the agent's. */
export function slurmCommands(environment: Readonly<Record<string, string | undefined>>, system: System): Slurm {
  return (program, args, call = {}) =>
    new Promise((resolve, reject) => {
      const { as = null } = call;
      const env = environmentOf(environment, as, call.plain === true);
      const [command, words] =
        as?.by === 'sudo' ? ['sudo', ['-n', '-u', as.name, '--', program, ...args]] : [program, [...args]];
      const child = spawn(command, words, {
        env,
        cwd: '/',
        stdio: ['pipe', 'pipe', 'pipe'],
        ...(as?.by === 'uid' ? { uid: as.uid, gid: as.gid } : {}),
      });
      const parts: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
      let size = 0;
      for (const stream of ['stdout', 'stderr'] as const) {
        child[stream].on('data', (data: Buffer) => {
          size += data.byteLength;
          if (size > MOST_OUTPUT) child.kill('SIGKILL');
          else parts[stream].push(data);
        });
      }
      let late = false;
      const limitMs = call.limitMs ?? LIMIT_MS;
      const timer = system.timers.after(limitMs, () => {
        late = true;
        child.kill('SIGKILL');
      });
      child.once('error', (error) => {
        timer.cancel();
        const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
        reject(
          missing
            ? new RainbowError(
                'failed_precondition',
                `there is no ${command} on this machine's PATH: start the agent where Slurm's commands work`,
              )
            : new RainbowError('unavailable', `${program} could not be started: ${error.message}`),
        );
      });
      // It may end without having read its input.
      child.stdin.on('error', () => undefined);
      child.stdin.end(call.input ?? '');
      child.once('spawn', () => call.started?.());
      child.once('close', (code) => {
        timer.cancel();
        const text = (stream: 'stdout' | 'stderr'): string => Buffer.concat(parts[stream]).toString('utf8');
        if (late) {
          reject(new RainbowError('unavailable', `${program} did not answer within ${limitMs / 1000} s`));
        } else resolve({ code: code ?? 1, stdout: text('stdout'), stderr: text('stderr') });
      });
    });
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

/** Throws `unavailable` where the controller is away, else `failed_precondition` with what the command said. */
export function failed(program: string, { code, stderr }: Answer): RainbowError {
  const said = lastWords(stderr) || `exit code ${code}`;
  return AWAY.test(stderr)
    ? new RainbowError('unavailable', `Slurm's controller cannot be asked now (${program}: ${said})`)
    : new RainbowError('failed_precondition', `${program}: ${said}`);
}

/** What a command complained of, in one line. */
function lastWords(stderr: string): string {
  return stderr
    .split('\n')
    .map((line) => line.replace(/^\w+: (error: )?/, '').trim())
    .filter((line) => line !== '')
    .slice(-3)
    .join('; ')
    .slice(0, 500);
}

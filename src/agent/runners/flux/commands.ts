/**
 * Runs `flux`: with what environment, as whom, how long it may take, and what its words on standard error mean. Which
 * instance it is about is said by FLUX_URI alone, as everywhere with Flux.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { RainbowError } from '../../../core/errors.ts';
import type { System } from '../../../system/system.ts';
import type { JobUser } from '../process/user.ts';

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Call {
  /** For standard input; '' for none. */
  readonly input?: string;
  /** Milliseconds; default 30 s. */
  readonly limitMs?: number;
  /** Called once it was started. */
  readonly started?: () => void;
}

export interface Flux {
  /** Rejects with `unavailable` (not started, not in time) or `failed_precondition` (there is no flux here). */
  ask(args: readonly string[], call?: Call): Promise<Answer>;
  /** One that goes on; its standard input stays open as long as we are there. */
  start(args: readonly string[]): ChildProcess;
}

const MOST_OUTPUT = 256 * 1024 * 1024;
const LIMIT_MS = 30_000;

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
      ...(user.switched ? { uid: user.uid, gid: user.gid } : {}),
    });
  return {
    start,
    ask: (args, call = {}) =>
      new Promise((resolve, reject) => {
        const child = start(args);
        const parts: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
        let size = 0;
        for (const stream of ['stdout', 'stderr'] as const) {
          child[stream]!.on('data', (data: Buffer) => {
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
          reject(cannotStart(error));
        });
        // It may end without having read its input.
        child.stdin!.on('error', () => undefined);
        child.stdin!.end(call.input ?? '');
        child.once('spawn', () => call.started?.());
        child.once('close', (code) => {
          timer.cancel();
          const text = (stream: 'stdout' | 'stderr'): string => Buffer.concat(parts[stream]).toString('utf8');
          if (late) {
            const said = args.slice(0, 2).join(' ');
            reject(new RainbowError('unavailable', `flux ${said} did not answer within ${limitMs / 1000} s`));
          } else resolve({ code: code ?? 1, stdout: text('stdout'), stderr: text('stderr') });
        });
      }),
  };
}

export function cannotStart(error: Error): RainbowError {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
    ? new RainbowError(
        'failed_precondition',
        'there is no flux on this machine’s PATH: start the agent where Flux’s commands work',
      )
    : new RainbowError('unavailable', `flux could not be started: ${error.message}`);
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

/** Throws `unavailable` where the instance is away, else `failed_precondition` with what the command said. */
export function failed(what: string, { code, stderr }: Answer): RainbowError {
  const said = lastWords(stderr) || `exit code ${code}`;
  return AWAY.test(stderr)
    ? new RainbowError('unavailable', `the Flux instance cannot be asked now (${what}: ${said})`)
    : new RainbowError('failed_precondition', `${what}: ${said}`);
}

/** What a command complained of, in one line. */
function lastWords(stderr: string): string {
  return stderr
    .split('\n')
    .map((line) => line.replace(/^flux-[\w-]+: (ERROR: )?/, '').trim())
    .filter((line) => line !== '')
    .slice(-3)
    .join('; ')
    .slice(0, 500);
}

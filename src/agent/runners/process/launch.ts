/**
 * Starts the shim of one attempt: everything that it needs is on disk, durably, before it is started, so a start is
 * never forgotten; starting it twice is harmless, only one of them gets the claim.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, lchown, mkdir, rm, writeFile } from 'node:fs/promises';
import { imageWords, type ContainerRuntime } from '../../../core/containers/run.ts';
import { RainbowError } from '../../../core/errors.ts';
import type { Jobspec } from '../../../core/jobspec/jobspec.ts';
import type { Launch } from '../../../core/jobspec/launch.ts';
import { Attributes, isMap } from '../../../core/translate/attributes.ts';
import { carriedWithin } from '../../../core/translate/carrier.ts';
import { lossAllowed, lostOn } from '../../../core/translate/native.ts';
import { writeDurably, type JobFiles } from './files.ts';
import { arrayEnvironment, arrayEnvironmentOfOthers, type ArrayTask } from '../runner.ts';
import type { StartRecord } from './native.ts';
import { SHIM } from './shim.ts';
import type { JobUser } from './user.ts';

/** What this machine has to offer to a shim. */
export interface Tools {
  /** Path of `env`. */
  readonly env: string;
  /** Gives tasks back the INT and QUIT that a shell takes from its background; '' where `env` cannot. */
  readonly defaultSignals: readonly string[];
  /** Path of `setsid`; '' where there is none, or no /proc to look sessions up in. */
  readonly setsid: string;
}

/** Throws `failed_precondition` where something of it cannot be had here, and its owner has not said that this may be. */
export function refuseLoss(jobspec: string, containers: ContainerRuntime): void {
  const lost = lossAllowed(jobspec) ? [] : lostOn(jobspec, 'process', containers.name);
  if (lost.length > 0) throw new RainbowError('failed_precondition', `not on this cluster: ${lost.join('; ')}`);
}

/** The same, in the job's image where it has one and that can be run here. */
export function withImage(
  plan: readonly Launch[],
  jobspec: Pick<Jobspec, 'image'>,
  containers: ContainerRuntime,
): readonly Launch[] {
  // Ranks that do the same share one command still.
  const commands = new Map<string, readonly string[]>();
  return plan.map((launch) => {
    const prefix = imageWords(jobspec, containers, Object.keys(launch.environment));
    if (prefix.length === 0) return launch;
    const whole = carriedWithin(prefix, launch.command) ?? [...prefix, ...launch.command];
    const text = JSON.stringify(whole);
    commands.set(text, commands.get(text) ?? whole);
    return { ...launch, command: commands.get(text)! };
  });
}

/**
 * The same, reading what `--input` of a script names (attributes.system.shell.options.input.stdin); a relative name is
 * looked for where the task begins. Where it is not there the task says so and ends with 1.
 */
export function withInput(plan: readonly Launch[], jobspec: string): readonly Launch[] {
  if (!jobspec.includes('stdin')) return plan;
  const found = new Attributes(jobspec).peek('system', 'shell', 'options', 'input', 'stdin');
  const path = isMap(found) && found['type'] === 'file' ? found['path'] : null;
  if (typeof path !== 'string' || path === '' || path === '/dev/null') return plan;
  const prefix = ['/bin/sh', '-c', 'exec <"$0" && exec "$@"', path];
  // Ranks that do the same share one command still.
  const commands = new Map(plan.map(({ command }) => [command, [...prefix, ...command]]));
  return plan.map((launch) => ({ ...launch, command: commands.get(launch.command) ?? launch.command }));
}

export interface Attempt {
  readonly jobId: string;
  readonly epoch: number;
  readonly cluster: string;
  readonly name: string;
  /** Seconds. */
  readonly walltime: number;
  /** Seconds between TERM and KILL. */
  readonly grace: number;
  /** null: a scratch directory of its own. */
  readonly cwd: string | null;
  readonly plan: readonly Launch[];
  readonly start: StartRecord;
  /** Where its files are. */
  readonly files?: Readonly<Record<string, string>>;
  /** Its place in an array. */
  readonly array?: ArrayTask | undefined;
}

/** Writes what the shim needs. Can be repeated. */
export async function prepare(
  files: JobFiles,
  attempt: Attempt,
  user: JobUser,
  base: Readonly<Record<string, string>>,
  tools: Tools,
): Promise<void> {
  await rm(files.script, { force: true });
  await writeFile(files.script, jobScript(attempt, base, tools, files.run), { mode: 0o400 });
  await writeFile(files.shim, SHIM, { mode: 0o444 });
  await mkdir(files.scratch, { recursive: true, mode: 0o700 });
  if (user.switched) {
    // Done again, what is in his directory may be a link by now.
    for (const path of [files.script, files.scratch, files.run]) await lchown(path, user.uid, user.gid);
    await chmod(files.dir, 0o711);
  }
  await writeDurably(files.start, JSON.stringify(attempt.start));
}

/** `owner`: whom to become; null: nobody else. Calls back once the shim is gone, with its exit code; with null where it could not be started at all. */
export function startShim(
  files: JobFiles,
  key: string,
  owner: { readonly uid: number; readonly gid: number } | null,
  base: Readonly<Record<string, string>>,
  gone: (code: number | null) => void,
): void {
  // The working directory is entered before the user is switched: the directories above may be closed to him.
  const child = spawn('/bin/sh', ['../shim', key], {
    cwd: files.run,
    // By this its timer is known too, should it be killed (remains.ts).
    env: { ...base, RAINBOW_JOB_DIR: files.run },
    detached: true,
    stdio: 'ignore',
    ...(owner === null ? {} : { uid: owner.uid, gid: owner.gid }),
  });
  child.once('error', () => gone(null));
  child.once('exit', (code) => gone(code ?? 1));
  child.unref();
}

/** Sets what the shim asks for, and defines `task RANK`. Every value is quoted; nothing of a jobspec is evaluated. */
export function jobScript(
  attempt: Attempt,
  base: Readonly<Record<string, string>>,
  tools: Tools,
  runDir: string,
): string {
  const { start, plan } = attempt;
  const own = {
    RAINBOW_JOB_ID: attempt.jobId,
    RAINBOW_EPOCH: String(attempt.epoch),
    RAINBOW_JOB_NAME: attempt.name,
    RAINBOW_CLUSTER: attempt.cluster,
    RAINBOW_TASKS: String(plan.length),
    RAINBOW_JOB_DIR: runDir,
    ...arrayEnvironment(attempt.array),
    ...attempt.files,
  };
  const others = arrayEnvironmentOfOthers(attempt.array);
  const lines = [
    `job_id=${attempt.jobId} job_epoch=${attempt.epoch}`,
    `boot=${quote(start.boot)} host=${quote(start.host)}`,
    `walltime=${wholeSeconds(attempt.walltime)} grace=${wholeSeconds(attempt.grace)} tasks=${plan.length}`,
    `own_sessions=${quote(tools.setsid)}`,
    `directory=${quote(attempt.cwd ?? 'scratch')}`,
    'task() {',
  ];
  // Ranks that do the same share one line.
  for (let first = 0; first < plan.length;) {
    const launch = plan[first]!;
    let last = first;
    while (last + 1 < plan.length && isSame(plan[last + 1]!, launch)) last++;
    const home = base['HOME'] === undefined && !launch.unset.includes('HOME') ? { HOME: runDir } : {};
    const path = launch.unset.includes('PATH') ? {} : { PATH: base['PATH'] ?? '' };
    const environment: Record<string, string> = {
      ...path,
      ...home,
      ...others,
      ...launch.environment,
      ...own,
    };
    const command = [
      tools.env,
      ...tools.defaultSignals,
      ...launch.unset.flatMap((name) => ['-u', name]),
      '--',
      ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    ].map(quote);
    // `env` would take a program's name with "=" for one more variable.
    const program = launch.command[0]!.includes('=')
      ? ['/bin/sh', '-c', 'exec "$@"', 'sh', ...launch.command]
      : launch.command;
    lines.push(
      `if [ "$1" -le ${last} ]; then launch ${quote(environment['PATH'] ?? '')} ${quote(launch.command[0]!)} ` +
        `${command.join(' ')} "RAINBOW_TASK_RANK=$1" ${program.map(quote).join(' ')}; fi`,
    );
    first = last + 1;
  }
  lines.push('}', '');
  return lines.join('\n');
}

/** The tools of this machine. Throws `failed_precondition` where it has no `env` or no `/bin/sh`. */
export function findTools(works: (program: string, args: readonly string[]) => boolean): Tools {
  const env = ['/usr/bin/env', '/bin/env'].find((path) => existsSync(path));
  if (env === undefined || !existsSync('/bin/sh')) {
    throw new RainbowError('failed_precondition', 'the process runner needs /bin/sh and /usr/bin/env on this machine');
  }
  const defaultSignals = ['--default-signal=INT,QUIT'];
  return {
    env,
    defaultSignals: works(env, [...defaultSignals, '--', 'true']) ? defaultSignals : [],
    setsid: existsSync('/proc/self/stat')
      ? (['/usr/bin/setsid', '/bin/setsid'].find((path) => existsSync(path)) ?? '')
      : '',
  };
}

function isSame(a: Launch, b: Launch): boolean {
  return (
    a.command === b.command && JSON.stringify([a.environment, a.unset]) === JSON.stringify([b.environment, b.unset])
  );
}

function wholeSeconds(seconds: number): number {
  // 2^31 - 1: what every `sleep` and every shell's arithmetic can hold.
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(Math.ceil(seconds), 2_147_483_647) : 0;
}

export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * From an order to the jobspec that Flux is given. Throws before anything native exists where Flux cannot be told all
 * of it. Pure.
 */
import { imageWords, NO_CONTAINERS, type ContainerRuntime } from '../../../core/containers/run.ts';
import { fluxJob, SCRIPT, type FluxJob } from '../../../core/translate/render/flux-job.ts';
import { slotsInAll } from '../../../core/translate/render/rendered.ts';
import { fillTemplates, knownOf } from '../../../core/translate/slurm/paths.ts';
import type { OutputPaths } from '../batch/jobs.ts';
import type { NativeName } from '../batch/key.ts';
import { toldOf } from '../batch/told.ts';
import { arrayEnvironment, arrayEnvironmentOfOthers, filesEnvironment, type Order } from '../runner.ts';
import { nativeName } from './key.ts';

/** Throws as `toldOf`. */
export function fluxJobOf(order: Order, containers: ContainerRuntime = NO_CONTAINERS): FluxJob {
  return toldOf(order.jobspec, { runner: 'flux', called: 'Flux', containers }, fluxJob);
}

export interface Where {
  readonly cluster: string;
  readonly runDir: string;
  /** What the job inherits. */
  readonly environment: Readonly<Record<string, string>>;
  /** What runs images; none where it is left out. */
  readonly containers?: ContainerRuntime;
  /** Seconds, where the jobspec asks for no time; the order's where it is left out. */
  readonly limit?: number;
}

/** JSON, RFC 25 version 1. */
export function nativeJobspec({ asked, document }: FluxJob, order: Order, name: NativeName, where: Where): string {
  const { system, user } = document.attributes;
  const shell = mapOf(system['shell']);
  const options = mapOf(shell['options']);
  const environment: Record<string, string> = { ...where.environment };
  const unset = [...asked.jobspec.unset, ...asked.jobspec.tasks.flatMap((task) => task.unset)];
  for (const variable of unset) delete environment[variable];
  Object.assign(environment, arrayEnvironmentOfOthers(order.array), asked.environment, {
    RAINBOW_JOB_ID: order.jobId,
    RAINBOW_EPOCH: String(order.epoch),
    RAINBOW_JOB_NAME: order.name,
    RAINBOW_CLUSTER: where.cluster,
    RAINBOW_TASKS: String(slotsInAll(asked)),
    ...arrayEnvironment(order.array),
    ...filesEnvironment(order),
  });
  const image = imageWords(asked.jobspec, where.containers ?? NO_CONTAINERS, Object.keys(asked.environment));
  const inside = [...instanceWords(order, environment), ...image];
  const inImages: readonly unknown[] = document.tasks.map((task) => withWords(task, inside, image));
  const { cwd } = asked.jobspec;
  const tasks = cwd === null ? inImages : inImages.map((task) => whereItBegins(task, cwd));
  return JSON.stringify({
    ...document,
    tasks: order.sandbox === undefined ? tasks : tasks.map(whereFilesAre),
    attributes: {
      system: {
        ...system,
        duration: system['duration'] ?? Math.max(0, where.limit ?? order.walltime),
        // One that is no whole path is nowhere: its tasks say so.
        cwd: cwd?.startsWith('/') === true ? cwd : (order.sandbox ?? `${where.runDir}/scratch`),
        environment,
        job: { ...mapOf(system['job']), name: nativeName(name, order.name) },
        shell: {
          ...shell,
          options: {
            ...options,
            ...inputOf(options['input'], order),
            output: outputOf(options['output'], order, where.runDir),
            'env-expand': { ...mapOf(options['env-expand']), RAINBOW_TASK_RANK: '{{task.rank}}' },
          },
        },
      },
      user: {
        ...user,
        rainbow: { id: order.jobId, epoch: order.epoch, realm: name.realm, nonce: name.nonce, cluster: where.cluster },
      },
    },
  });
}

/** What stands before a script, inside the Flux instance around it, or else before a command: the instance is in no image. */
function withWords(task: Task, beforeScript: readonly string[], beforeCommand: readonly string[]): Task {
  const { command, ...rest } = mapOf(task);
  const words = wordsOf(command);
  const at = words[0] === 'flux' && words[1] === 'broker' ? words.indexOf(SCRIPT) : -1;
  if (at < 0) return beforeCommand.length === 0 ? task : { ...rest, command: [...beforeCommand, ...words] };
  return { ...rest, command: [...words.slice(0, at), ...beforeScript, ...words.slice(at)] };
}

/** A broker takes SLURM_… out of the environment of what it runs: a task's place in an array is set again. */
function instanceWords({ array }: Order, environment: Readonly<Record<string, string>>): readonly string[] {
  const names = Object.keys(arrayEnvironmentOfOthers(array)).filter((name) => name.startsWith('SLURM_'));
  return names.length === 0 ? [] : ['env', ...names.map((name) => `${name}=${environment[name] ?? ''}`)];
}

type Task = FluxJob['document']['tasks'][number];

function wordsOf(command: unknown): readonly string[] {
  return Array.isArray(command) ? (command as readonly string[]) : ['/bin/sh', '-c', textOf(command)];
}

/** Flux would begin in /tmp where the node does not see the folder: then it is not run without its files. */
function whereFilesAre(task: unknown): unknown {
  const { command, ...rest } = mapOf(task);
  return { ...rest, command: ['/bin/sh', '-c', SEEN, 'rainbow', ...wordsOf(command)] };
}

/** Nor anywhere but in the directory that it asks for. */
function whereItBegins(task: unknown, cwd: string): unknown {
  const { command, ...rest } = mapOf(task);
  return { ...rest, command: ['/bin/sh', '-c', ENTER, 'rainbow', cwd, ...wordsOf(command)] };
}

const ENTER = `case $1 in /*) cd -- "$1" ;; *) false ;; esac 2>/dev/null || {
  echo "rainbow: cannot enter the directory $1" >&2
  exit 126
}
shift
exec "$@"`;

const SEEN = `[ -d "$RAINBOW_FILES" ] || {
  echo "the folder of its files, $RAINBOW_FILES, is not there on node $(uname -n): the agent needs --sandboxes with a folder that the nodes see" >&2
  exit 127
}
exec "$@"`;

/**
 * Where the job says nothing itself: a file for each stream, without waiting for the end of a line. Where it names a
 * file for standard output alone, standard error goes there too, as Flux has it.
 */
function outputOf(said: unknown, order: Order, runDir: string): Record<string, unknown> {
  const output = mapOf(said);
  const stream = (which: 'stdout' | 'stderr'): Record<string, unknown> => mapOf(output[which]);
  const isOwn = (which: 'stdout' | 'stderr'): boolean => stream(which)['type'] === 'file';
  const own = (which: 'stdout' | 'stderr'): Record<string, unknown> => ({
    ...stream(which),
    path: filled(stream(which)['path'], order),
  });
  const ours = (which: 'stdout' | 'stderr', file: string): Record<string, unknown> => ({
    ...stream(which),
    type: 'file',
    path: `${runDir}/${file}`,
    buffer: { type: 'none' },
  });
  return {
    ...output,
    stdout: isOwn('stdout') ? own('stdout') : ours('stdout', 'out.0'),
    ...(isOwn('stderr') ? { stderr: own('stderr') } : isOwn('stdout') ? {} : { stderr: ours('stderr', 'err.0') }),
  };
}

function inputOf(said: unknown, order: Order): Record<string, unknown> {
  const { stdin, ...others } = mapOf(said);
  const { path, ...more } = mapOf(stdin);
  return typeof path === 'string' ? { input: { ...others, stdin: { ...more, path: filled(path, order) } } } : {};
}

/** It is called otherwise in Flux, which knows no array of Rainbow's. */
function filled(path: unknown, { name, array }: Order): string {
  return fillTemplates(textOf(path), knownOf(name, array));
}

/** Where its output goes, in a jobspec that was submitted; null where only Flux knows (a template that we do not). */
export function outputPaths(jobspec: string, id: string): OutputPaths | null {
  const { attributes } = JSON.parse(jobspec) as { attributes: { system: Record<string, unknown> } };
  const output = mapOf(mapOf(mapOf(attributes.system['shell'])['options'])['output']);
  const cwd = textOf(attributes.system['cwd']) || '/';
  const pathOf = (which: string): string | null => {
    const path = mapOf(output[which])['path'];
    if (typeof path !== 'string') return null;
    const filled = path.replaceAll(/\{\{(jobid|id)\}\}/g, id);
    if (filled.includes('{{')) return null;
    return filled.startsWith('/') ? filled : `${cwd}/${filled}`;
  };
  const stdout = pathOf('stdout');
  return stdout === null ? null : { stdout, stderr: 'stderr' in output ? (pathOf('stderr') ?? stdout) : stdout };
}

/** RFC 12's default. */
const URGENCY = 16;

/**
 * 1 to 31, 0 is held. A priority of Rainbow's moves it from the middle; only the instance's owner may raise it above.
 */
export function urgencyOf(job: FluxJob, priority: number, isOwner: boolean): number {
  const most = isOwner ? 31 : URGENCY;
  if (job.urgency !== null) return Math.min(most, job.urgency);
  return Math.min(most, Math.max(1, URGENCY + Math.trunc(priority)));
}

function mapOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/**
 * An sbatch script to a jobspec: its `#SBATCH` lines become resources and attributes, the script itself the command.
 * Slurm's rules: directives only before the first command, the last of a kind counts, the command line over all.
 */
import { isMoment } from '../../job/moment.ts';
import { HEEDED_DEPENDENCIES, heededDependencies, readPriority } from '../lifecycle.ts';
import { hostCount } from '../hosts.ts';
import { checkImage } from '../../image/reference.ts';
import { readTime } from '../../jobspec/time.ts';
import { carry, checkLineBreaks, MOST_SCRIPT, readShebang } from '../carrier.ts';
import { withOverrides } from '../context.ts';
import type { ReadContext } from '../context.ts';
import { jsonMap, newDraft, under, writeDraft } from '../draft.ts';
import type { Draft, Json } from '../draft.ts';
import { readOptions, wrong } from '../getopt.ts';
import { layOut } from '../layout.ts';
import { Report } from '../report.ts';
import type { ReportLine } from '../report.ts';
import { noteTools } from '../tools.ts';
import { checkLength } from '../text.ts';
import { readOneLine } from '../words.ts';
import { readSlurmTime } from './amounts.ts';
import { Choices } from './choices.ts';
import { readFeatures } from './features.ts';
import { readArray, readDependency, readExport } from './names.ts';
import { CARRIED, DROPPED, OF_THE_CALL, SBATCH_OPTIONS } from './options.ts';
import { fromPattern } from './paths.ts';
import { refuse } from './refuse.ts';
import { readResources } from './resources.ts';
import { readDirectives } from './script.ts';

/**
 * Ends a block of directives that was put into a script which had none. Such a block is no part of the script, so
 * reading takes it out again.
 */
export const OWN_DIRECTIVES = '# (end of what the job asks for)';

export interface TranslatedJob {
  /** RFC 14 YAML. */
  readonly jobspec: string;
  readonly report: readonly ReportLine[];
}

/** Throws `invalid_input` with line and column where sbatch would refuse the script. */
export function readSbatch(script: string, context: ReadContext): TranslatedJob {
  checkLength(script, MOST_SCRIPT);
  readShebang(script);
  checkLineBreaks(script);
  const report = new Report();
  const draft = newDraft();
  const { words, componentAt } = readDirectives(script, report);
  const { given, rest } = readOptions(words.slice(0, componentAt ?? words.length), SBATCH_OPTIONS, false);
  if (rest[0] !== undefined)
    throw wrong(rest[0], `${JSON.stringify(rest[0].text.slice(0, 60))} is no option of sbatch`);
  if (componentAt !== null) {
    for (const other of readOptions(words.slice(componentAt), SBATCH_OPTIONS, false).given) {
      report.dropped(other, other.what, 'of a further component of a heterogeneous job; only the first is read');
    }
  }

  const { overrides } = context;
  const choices = new Choices(given, overrides, draft.rainbow, report);
  const hosts = readWhere(choices, draft, report);
  const layout = readResources(choices, hosts, report);
  if (hosts !== null && typeof layout.nodes === 'number' && layout.nodes > hosts) {
    const chosen = choices.peek('nodelist')!;
    report.altered(
      chosen.at,
      chosen.what,
      `only ${hosts} hosts for ${layout.nodes} nodes`,
      'name as many hosts as nodes',
    );
  }
  const { resources, slots } = layOut(layout);
  draft.resources = resources;
  readTimes(choices, overrides.time, draft, report);
  readNames(choices, draft, report);
  readInsOuts(choices, draft, report);
  readEnvironment(choices, context, draft, report);
  readOrder(choices, draft, report);
  if (overrides.image !== undefined) draft.user['image'] = checkImage(overrides.image, '--image');
  readOthers(choices, report);
  draft.tasks = readTasks(script, context, slots, layout.bundle[0]!.count, report);
  return { jobspec: writeDraft(draft), report: report.sorted() };
}

/** A script that only starts one program by `srun` is that program, once in each slot; any other is run once. */
function readTasks(
  script: string,
  context: ReadContext,
  slots: readonly string[],
  cores: number | string,
  report: Report,
): Draft['tasks'] {
  const line = context.args.length > 0 ? null : readOneLine(script, ['srun']);
  const launcher = line?.launcher.join(' ');
  if (line !== null && launcher === '') return [{ command: line.command, slot: slots[0]!, count: { total: 1 } }];
  if (line !== null && (launcher === 'srun' || launcher === `srun --cpus-per-task=${cores}`)) {
    report.kept(null, 'exec srun', 'the program, once in each slot');
    return slots.map((slot) => ({ command: line.command, slot, count: { per_slot: 1 } }));
  }
  noteTools(script, report);
  const command = carry({ script: withoutOwn(script), name: context.file, args: context.args });
  return [{ command, slot: slots[0]!, count: { total: 1 } }];
}

function withoutOwn(script: string): string {
  const end = script.indexOf(`\n${OWN_DIRECTIVES}\n`);
  const first = script.indexOf('\n');
  if (
    end < 0 ||
    !script
      .slice(first + 1, end + 1)
      .split('\n')
      .every((line) => line === '' || line.startsWith('#SBATCH '))
  )
    return script;
  return script.slice(0, first + 1) + script.slice(end + OWN_DIRECTIVES.length + 2);
}

function readWhere(choices: Choices, draft: Draft, report: Report): number | null {
  const all: Json[] = [];
  let hosts: number | null = null;
  const features = choices.take('constraint');
  if (features !== null) {
    const read = readFeatures(features.value) ?? refuse(features, 'features joined by & and |');
    if (read.constraint !== null) all.push(read.constraint);
    if (read.counted)
      report.dropped(features.at, features.what, 'a number of nodes for a feature; nodes are all alike here');
    else if (read.alike)
      report.altered(
        features.at,
        features.what,
        'each node has one of them',
        'that all nodes have the same one cannot be said',
      );
    else report.kept(features.at, features.what, 'a constraint on the nodes’ properties');
  }
  for (const [key, only] of [
    ['nodelist', true],
    ['exclude', false],
  ] as const) {
    const chosen = choices.take(key);
    if (chosen === null) continue;
    if (chosen.value.includes('/')) {
      report.dropped(chosen.at, chosen.what, 'a file with nodes is not read; write them here');
      continue;
    }
    const count = hostCount(chosen.value) ?? refuse(chosen, 'a list of hosts: node[1-4],login1');
    if (only) hosts = count;
    const list: Json = { hostlist: [chosen.value] };
    all.push(only ? list : { not: [list] });
    report.kept(chosen.at, chosen.what, only ? 'only those hosts' : 'none of those hosts');
  }
  if (all.length > 0) draft.system['constraints'] = all.length === 1 ? all[0]! : { and: all };
  return hosts;
}

function readTimes(choices: Choices, override: string | undefined, draft: Draft, report: Report): void {
  const chosen = choices.take('time');
  if (override !== undefined) draft.system['duration'] = readTime(override, '--time');
  else if (chosen !== null) {
    const seconds = readSlurmTime(chosen.value) ?? refuse(chosen, 'a span of time: 90 (minutes), 1:30:00, 2-12:00:00');
    if (seconds === 'none') {
      report.altered(chosen.at, chosen.what, 'the server’s default', 'every job has an end; say how long it may run');
    } else {
      draft.system['duration'] = seconds;
      report.kept(chosen.at, chosen.what, `${seconds} s`);
    }
  }
  readLeastTime(choices, draft, report);
}

/** What backfill may give it; sbatch refuses more than the time itself. */
function readLeastTime(choices: Choices, draft: Draft, report: Report): void {
  const chosen = choices.take('time-min');
  if (chosen === null) return;
  const seconds = readSlurmTime(chosen.value) ?? refuse(chosen, 'a span of time: 90 (minutes), 1:30:00, 2-12:00:00');
  const walltime = draft.system['duration'];
  if (typeof seconds === 'number' && typeof walltime === 'number' && seconds > walltime)
    refuse(
      chosen,
      `no more than the time that it asks for, ${walltime} s: it is ${seconds} s, and sbatch refuses that`,
    );
  choices.carry(chosen);
  if (seconds === 'none') report.carried(chosen.at, chosen.what, 'attributes.rainbow.slurm.time-min', null);
  else report.kept(chosen.at, chosen.what, `on a cluster of Slurm it may be given as little as ${seconds} s`);
}

const SIMPLE = [
  ['chdir', 'cwd', 'attributes.system.cwd'],
  ['partition', 'queue', 'attributes.system.queue'],
  ['account', 'bank', 'attributes.system.bank'],
] as const;

function readNames(choices: Choices, draft: Draft, report: Report): void {
  const name = choices.take('job-name');
  if (name !== null) {
    draft.system['job'] = jsonMap({ name: name.value });
    report.kept(name.at, name.what, 'its name');
  }
  for (const [key, attribute, where] of SIMPLE) {
    const chosen = choices.take(key);
    if (chosen === null) continue;
    if (chosen.value === '' || chosen.value.includes('\0')) refuse(chosen, 'not be empty');
    draft.system[attribute] = chosen.value;
    if (attribute === 'cwd') report.kept(chosen.at, chosen.what, where);
    else report.carried(chosen.at, chosen.what, where, null);
  }
}

/** What the report says of `--input`. */
export const STDIN = 'its standard input';

/** Of a file of output that is no whole path, where no folder is said. */
const LEAVES =
  'on a cluster it is in the job’s own folder, which is removed after it, not where you submit; ' +
  '`rainbow job logs` has what it says, a whole path or --chdir keeps the file';

function readInsOuts(choices: Choices, draft: Draft, report: Report): void {
  for (const [key, stream] of [
    ['input', 'stdin'],
    ['output', 'stdout'],
    ['error', 'stderr'],
  ] as const) {
    const chosen = choices.take(key);
    if (chosen === null) continue;
    const kind = stream === 'stdin' ? 'input' : 'output';
    const options = under(under(under(draft.system, 'shell'), 'options'), kind);
    options[stream] = { type: 'file', path: fromPattern(chosen.value) };
    const where = `attributes.system.shell.options.${kind}.${stream}`;
    if (stream === 'stdin') report.kept(chosen.at, chosen.what, STDIN);
    else {
      report.carried(chosen.at, chosen.what, where, null);
      if (!chosen.value.startsWith('/') && draft.system['cwd'] === undefined)
        report.noted(chosen.at, chosen.what, LEAVES);
    }
  }
  const mode = choices.take('open-mode');
  if (mode !== null) {
    if (!/^(append|truncate)$/.test(mode.value)) refuse(mode, 'append or truncate');
    choices.carry(mode);
    report.carried(mode.at, mode.what, 'attributes.rainbow.slurm.open-mode', null);
  }
}

function readEnvironment(choices: Choices, context: ReadContext, draft: Draft, report: Report): void {
  const environment = jsonMap();
  const chosen = choices.take('export');
  if (chosen !== null) {
    const read = readExport(chosen.value) ?? refuse(chosen, 'variables: ALL, NONE, NAME, NAME=VALUE');
    for (const name of read.names) {
      const value = Object.hasOwn(context.environment, name) ? context.environment[name] : undefined;
      if (value !== undefined) environment[name] = value;
      else report.noted(chosen.at, chosen.what, `${name} is not set here, so it is not set there`);
    }
    Object.assign(environment, read.set);
    if (read.all) {
      report.noted(
        chosen.at,
        chosen.what,
        'of the submitter’s variables only named ones go along, as with no --export',
      );
    } else
      report.kept(
        chosen.at,
        chosen.what,
        `${Object.keys(environment).length} variables, and nothing of the submitter’s`,
      );
  }
  const all = withOverrides(environment, context.overrides)!;
  if (Object.keys(all as object).length > 0) draft.system['environment'] = all;
}

/** When, after what, and how often. */
function readOrder(choices: Choices, draft: Draft, report: Report): void {
  const array = choices.take('array');
  if (array !== null) {
    const { indices, limit, count } = readArray(array.value) ?? refuse(array, 'array tasks: 0-15, 1,3,5, 0-99%8');
    draft.rainbow['array'] = jsonMap({ indices, ...(limit === null ? {} : { limit }) });
    report.kept(array.at, array.what, `an array of ${count} ${count === 1 ? 'task' : 'tasks'}`);
  }
  const dependency = choices.take('dependency');
  if (dependency !== null) {
    const { all, any } =
      readDependency(dependency.value) ?? refuse(dependency, 'dependencies: afterok:12:13, singleton');
    draft.system['dependencies'] = all;
    if (any) draft.rainbow['anyDependency'] = true;
    if (heededDependencies(all, any).all) report.kept(dependency.at, dependency.what, 'it waits for that');
    else {
      const where = 'attributes.system.dependencies';
      const effect = `it waits for no more than ${HEEDED_DEPENDENCIES}`;
      report.carried(dependency.at, dependency.what, where, effect);
    }
  }
  const begin = choices.take('begin');
  if (begin !== null) {
    draft.rainbow['begin'] = begin.value;
    if (isMoment(begin.value)) report.kept(begin.at, begin.what, 'not before then');
    else {
      const why = 'a time without its zone is that cluster’s own; 2030-01-31T12:00Z and now+… are heeded anywhere';
      report.narrowed(begin.at, begin.what, 'asked of clusters of Slurm', why);
    }
  }
  const hold = choices.take('hold');
  if (hold !== null) {
    draft.rainbow['hold'] = true;
    report.kept(hold.at, hold.what, 'held');
  }
}

/** What asks for nothing that the job model holds. */
function readOthers(choices: Choices, report: Report): void {
  for (const chosen of choices.untaken()) {
    const { key, at, what } = chosen;
    const call = OF_THE_CALL[key];
    if (call !== undefined) report.noted(at, what, call);
    else if (key in CARRIED) {
      choices.carry(chosen);
      if (key === 'deadline' && isMoment(chosen.value)) report.kept(at, what, 'ended by then');
      else if ((key === 'priority' || key === 'nice') && readPriority(chosen.value) !== null) {
        report.kept(at, what, key === 'nice' ? 'taken from its priority' : 'its priority');
      } else if (CARRIED[key] === null) report.carried(at, what, `attributes.rainbow.slurm.${key}`, null);
      else report.narrowed(at, what, 'asked of clusters of Slurm', `no other gets it: there ${CARRIED[key]!}`);
    } else report.dropped(at, what, DROPPED[key] ?? 'nothing here means the same');
  }
}

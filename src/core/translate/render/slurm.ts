/** A jobspec as an sbatch script: directives after the first line, then what it runs. */
import type { Constraint } from '../../jobspec/jobspec.ts';
import { readJobspec } from '../../jobspec/read.ts';
import type { Json } from '../draft.ts';
import { bytesIn, inUnits, roundedUp } from '../amounts.ts';
import { isMap } from '../attributes.ts';
import { carried, MOST_SCRIPT } from '../carrier.ts';
import { NO_CONTEXT } from '../context.ts';
import { hostCount } from '../hosts.ts';
import { countText, sameJobspec } from '../normal.ts';
import { Report } from '../report.ts';
import { OWN_DIRECTIVES, readSbatch } from '../slurm/read.ts';
import { hasSbatchLines } from '../slurm/script.ts';
import { timesMemory, writeSlurmTime } from '../slurm/amounts.ts';
import { exportText, readArray, readDependency } from '../slurm/names.ts';
import { SBATCH_OPTIONS } from '../slurm/options.ts';
import { toPattern } from '../slurm/paths.ts';
import { oneLineScript, readOneLine } from '../words.ts';
import type { Asked, Bundle, Other } from './asked.ts';
import { readAsked } from './asked.ts';
import { dropRest, takeFiles, variables } from './rendered.ts';
import { renderRfc14 } from './rfc14.ts';
import type { Rendered } from './rendered.ts';

/** A long option of sbatch, without its dashes. */
export type Option = readonly [name: string, value: string | true];

/** Throws `invalid_input` where the jobspec is none, or of a shape that Slurm does not know. */
export function renderSbatch(jobspec: string): Rendered {
  const report = new Report();
  const { asked, options } = said(jobspec, report);
  const directives = options.flatMap(([name, value]) => {
    const written = value === true ? `--${name}` : `--${name}=${quote(value)}`;
    if (/[\n\r]/.test(written)) {
      report.dropped(null, `--${name}`, 'a directive is one line');
      return [];
    }
    return [`#SBATCH ${written}`];
  });
  return { text: script(jobspec, asked, directives, report), report: report.sorted() };
}

/** The same for whoever calls sbatch: options are words of their own there, and variables need not be directives. */
export interface SlurmJob {
  readonly asked: Asked;
  readonly options: readonly Option[];
  readonly report: Rendered['report'];
}

/**
 * Of a job that Rainbow gives to a cluster. Throws as `renderSbatch`. `--export` and `--job-name` are left to the caller,
 * and are not lost.
 */
export function slurmJob(jobspec: string): SlurmJob {
  const { dialect } = readJobspec(jobspec);
  if (dialect === 'nextgen' || dialect === 'experimental') {
    const first = renderRfc14(jobspec);
    const second = slurmJob(first.text);
    return { ...second, report: [...first.report, ...second.report] };
  }
  const report = new Report();
  const { asked, options } = said(jobspec, report, { variablesToo: false });
  return { asked, options: options.filter(([name]) => name !== 'job-name'), report: report.sorted() };
}

function said(
  jobspec: string,
  report: Report,
  { variablesToo = true }: { readonly variablesToo?: boolean } = {},
): { readonly asked: Asked; readonly options: readonly Option[] } {
  const asked = readAsked(jobspec, report);
  // For whoever places it, not for Slurm.
  asked.attributes.take('rainbow', 'allowLossy');
  const options: Option[] = [
    ...named(asked),
    ...resources(asked, report),
    ...where(asked, report),
    ...order(asked, report),
    ...insOuts(asked, report),
    ...(variablesToo ? environment(asked, report) : []),
    ...slurmsOwn(asked),
  ];
  if (asked.jobspec.image !== null) {
    report.dropped(null, 'attributes.user.image', 'Slurm knows no image by its reference; start it in the script');
  }
  dropRest(asked.attributes, report);
  return { asked, options };
}

/** As sbatch takes words apart: a backslash counts between quotes too. */
function quote(value: string): string {
  return /^[\w./:@%+,=~^[\]{}&|*?!-]+$/.test(value) ? value : `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
}

function script(jobspec: string, asked: Asked, directives: readonly string[], report: Report): string {
  const inside = carried(asked.command);
  let text: string;
  if (inside === null || asked.runs !== 'once') {
    const cores = asked.slot.cores;
    const launcher = asked.runs === 'once' ? [] : ['srun', ...(cores > 1 ? [`--cpus-per-task=${cores}`] : [])];
    if (typeof asked.runs === 'object') {
      launcher.push(`--ntasks=${asked.runs.total}`);
      report.altered(null, 'tasks[0].count', `srun --ntasks=${asked.runs.total}`, 'the script starts them');
    }
    text = oneLineScript({ launcher, command: asked.command }, directives);
    if (readOneLine(text, ['srun']) === null)
      report.altered(null, 'tasks[0].command', 'a script', 'as it is quoted, it is a script of its own');
  } else {
    if (inside.args.length > 0) report.dropped(null, 'arguments of the script', 'give them to sbatch after the script');
    if (hasSbatchLines(inside.script) && saysTheSame(inside.script, jobspec, inside.name)) return inside.script;
    const end = inside.script.indexOf('\n');
    const first = end < 0 ? inside.script : inside.script.slice(0, end);
    let rest = end < 0 ? '' : inside.script.slice(end + 1);
    if (hasSbatchLines(rest)) {
      rest = rest.replaceAll(/^#SBATCH/gm, '##SBATCH');
      report.altered(
        null,
        'the script',
        'its own directives are comments now',
        'they no longer say what the job asks for',
      );
    }
    text = [first, ...directives, ...(directives.length > 0 ? [OWN_DIRECTIVES] : []), rest].join('\n');
    if (end < 0) report.altered(null, 'the script', 'a line break at its end', 'directives need lines of their own');
  }
  if (text.includes('\r\n')) report.altered(null, 'tasks[0].command', 'DOS line breaks', 'sbatch refuses them');
  if (Buffer.byteLength(text) > MOST_SCRIPT)
    report.altered(null, 'the script', 'a longer script than is read back', `more than ${MOST_SCRIPT} bytes`);
  return text;
}

function saysTheSame(text: string, jobspec: string, file: string): boolean {
  try {
    return sameJobspec(readSbatch(text, { ...NO_CONTEXT, file }).jobspec, jobspec);
  } catch {
    return false;
  }
}

function named({ jobspec, attributes }: Asked): Option[] {
  const queue = attributes.takeText('system', 'queue');
  const bank = attributes.takeText('system', 'bank');
  return [
    ...(jobspec.name === null ? [] : [['job-name', jobspec.name] as const]),
    ...(queue === null ? [] : [['partition', queue] as const]),
    ...(bank === null ? [] : [['account', bank] as const]),
    ...(jobspec.cwd === null ? [] : [['chdir', jobspec.cwd] as const]),
  ];
}

const MEMORY_UNITS = ['TiB', 'GiB', 'MiB', 'KiB'];

function resources(asked: Asked, report: Report): Option[] {
  const { nodes, exclusive, slots, slot, beside } = asked;
  const options: Option[] = [];
  if (nodes !== null) {
    const isStep = nodes.operator === '+' && nodes.max !== Infinity;
    if (!isStep)
      report.altered(null, 'resources[0].count', `${nodes.min} nodes`, `sbatch cannot say ${countText(nodes)}`);
    options.push(['nodes', isStep ? countText(nodes) : String(nodes.min)]);
  }
  if ('total' in slots) {
    if (slots.total > 1 || nodes !== null) options.push(['ntasks', String(slots.total)]);
  } else if (slots.each > 1) options.push(['ntasks-per-node', String(slots.each)]);
  if (slot.cores > 1) options.push(['cpus-per-task', String(slot.cores)]);
  if (exclusive) options.push(['exclusive', true]);
  options.push(...inSlots(asked, report), ...byNode(beside, report));
  const memory = memoryOption(asked, report);
  if (memory !== null) options.push(memory);
  if (asked.jobspec.walltime !== null) {
    const seconds = Math.ceil(asked.jobspec.walltime);
    if (seconds !== asked.jobspec.walltime)
      report.altered(null, 'attributes.system.duration', `${seconds} s`, 'whole seconds');
    options.push(['time', writeSlurmTime(seconds)]);
  }
  return options;
}

const GRES_NAME = /^[A-Za-z_][\w.+-]{0,63}$/;

function writable(others: readonly Other[], report: Report): readonly Other[] {
  return others.filter(({ type, model }) => {
    const can =
      GRES_NAME.test(type) && (model === null || (/^[\w.+-]{1,64}$/.test(model) && !/^\d+[kmgt]?$/i.test(model)));
    if (!can) report.dropped(null, `resources of type ${type}`, 'Slurm has no such name');
    return can;
  });
}

function gresWord({ type, model, count }: Other): string {
  return [type, ...(model === null ? [] : [model]), String(count)].join(':');
}

/**
 * A single slot anywhere has what its node gives: `--gres`, which any Slurm knows. By task otherwise, which sbatch
 * refuses where neither the tasks nor the nodes are a number.
 */
function inSlots({ nodes, slots, slot }: Asked, report: Report): Option[] {
  const all = writable(slot.others, report);
  if (all.length === 0) return [];
  if (isSingle(nodes, slots)) return [['gres', all.map(gresWord).join(',')]];
  if (all.every(({ type }) => type === 'gpu')) {
    const list = (times: number): string =>
      all.map(({ model, count }) => `${model === null ? '' : `${model}:`}${count * times}`).join(',');
    if ('total' in slots || nodes === null || nodes.min === nodes.max) return [['gpus-per-task', list(1)]];
    const byNodes = list(slots.each);
    report.altered(
      null,
      'gpu in each slot',
      `--gpus-per-node=${byNodes}`,
      'sbatch counts none by task on a range of nodes',
    );
    return [['gpus-per-node', byNodes]];
  }
  return [['tres-per-task', all.map((each) => `gres/${gresWord(each)}`).join(',')]];
}

function isSingle(nodes: Asked['nodes'], slots: Asked['slots']): boolean {
  return nodes === null && 'total' in slots && slots.total === 1;
}

function byNode({ cores, others }: Bundle, report: Report): Option[] {
  if (cores > 0) report.dropped(null, 'cores beside the slots', 'cores are asked for by task');
  const all = writable(others, report);
  return all.length === 0 ? [] : [['gres', all.map(gresWord).join(',')]];
}

/** `--mem` for what is beside the slots, and for a single slot; `--mem-per-cpu` for what each slot has. */
function memoryOption({ nodes, slots, slot, beside }: Asked, report: Report): Option | null {
  const one = isSingle(nodes, slots);
  const memory = beside.memory ?? slot.memory;
  if (memory === null) return null;
  if (beside.memory !== null && slot.memory !== null) {
    report.dropped(null, 'memory in each slot', 'memory is asked for by node or by core, not both');
  }
  const whole = beside.memory !== null || one;
  const bytes = bytesIn(memory.amount, memory.unit);
  if (bytes === null) {
    report.dropped(null, 'memory', `sbatch knows no unit ${JSON.stringify(memory.unit)}`);
    return null;
  }
  const by = whole ? 1n : BigInt(slot.cores);
  const exact = bytes % by === 0n ? inUnits(bytes / by, MEMORY_UNITS) : null;
  const found = exact ?? roundedUp((bytes + by - 1n) / by, MEMORY_UNITS);
  const text = `${found.amount}${found.unit[0]!}`;
  const back = timesMemory(found, Number(by));
  if (exact === null || back === null || back.rounded)
    report.altered(
      null,
      'memory',
      text,
      `${memory.amount} ${memory.unit} is no whole number of KiB${whole ? '' : ' per core'}`,
    );
  return [whole ? 'mem' : 'mem-per-cpu', text];
}

function where({ constraint, nodes }: Asked, report: Report): Option[] {
  if (constraint === null) return [];
  const options: Option[] = [];
  const features: Constraint[] = [];
  const put = (name: string, value: string, said: string): void => {
    if (options.some(([each]) => each === name)) report.dropped(null, said, `sbatch takes one --${name}`);
    else options.push([name, value]);
  };
  for (const each of conjuncts(constraint)) {
    const not = each.op === 'not' && each.of.length === 1 ? each.of[0]! : null;
    if (each.op === 'hostlist') {
      const list = each.values.join(',');
      if (nodes === null)
        report.altered(null, 'attributes.system.constraints', `--nodelist=${list}`, 'sbatch takes all of those nodes');
      else if (nodes.min === nodes.max && hostCount(list) !== nodes.min) {
        report.altered(
          null,
          'attributes.system.constraints',
          `--nodelist=${list}`,
          'sbatch takes all of those nodes, not some',
        );
      }
      put('nodelist', list, `hosts ${list}`);
    } else if (not?.op === 'hostlist') put('exclude', not.values.join(','), `hosts ${not.values.join(',')}`);
    else features.push(each);
  }
  if (features.length > 0) {
    const parts = features.map(featureText);
    const said = parts.filter((part) => part !== null);
    if (said.length < parts.length)
      report.dropped(null, 'attributes.system.constraints', 'a constraint on nodes must be features with and, or');
    if (said.length > 0) options.unshift(['constraint', said.join('&')]);
  }
  return options;
}

function conjuncts(constraint: Constraint): readonly Constraint[] {
  return constraint.op === 'and' ? constraint.of.flatMap(conjuncts) : [constraint];
}

/** From left to right, so whatever is joined inside is in parentheses. null: sbatch cannot say it. */
function featureText(constraint: Constraint): string | null {
  if (constraint.op === 'properties') {
    const { values } = constraint;
    if (values.length === 0 || !values.every((value) => /^[\w.=:/+-]+$/.test(value))) return null;
    return values.length === 1 ? values[0]! : `(${values.join('&')})`;
  }
  if (constraint.op !== 'and' && constraint.op !== 'or') return null;
  const parts = constraint.of.map(featureText);
  if (parts.length === 0 || parts.includes(null)) return null;
  return parts.length === 1 ? parts[0]! : `(${parts.join(constraint.op === 'and' ? '&' : '|')})`;
}

function order({ attributes }: Asked, report: Report): Option[] {
  const options: Option[] = [];
  const array = attributes.peek('rainbow', 'array');
  if (
    isMap(array) &&
    typeof array['indices'] === 'string' &&
    Object.keys(array).every((key) => key === 'indices' || key === 'limit')
  ) {
    const text = `${array['indices']}${typeof array['limit'] === 'number' ? `%${array['limit']}` : ''}`;
    if (readArray(text) !== null) {
      attributes.take('rainbow', 'array');
      options.push(['array', text]);
    }
  }
  const begin = attributes.takeText('rainbow', 'begin');
  if (begin !== null) options.push(['begin', begin]);
  if (attributes.take('rainbow', 'hold') === true) options.push(['hold', true]);
  const dependencies = attributes.peek('system', 'dependencies');
  if (Array.isArray(dependencies)) {
    const any = attributes.take('rainbow', 'anyDependency') === true;
    const parts = dependencies.flatMap((each) => (isMap(each) ? [dependencyText(each)] : [null]));
    const text = parts.join(any ? '?' : ',');
    if (!parts.includes(null) && (parts.length > 1 || !any) && readDependency(text) !== null) {
      attributes.take('system', 'dependencies');
      options.push(['dependency', text]);
    } else if (any) report.dropped(null, 'attributes.rainbow.anyDependency', 'its dependencies cannot be said');
  }
  const retry = attributes.peek('rainbow', 'retry');
  if (isMap(retry) && retry['limit'] === 0) attributes.take('rainbow', 'retry');
  return options;
}

function dependencyText({ scheme, value, ...more }: Record<string, unknown>): string | null {
  if (Object.keys(more).length > 0 || typeof scheme !== 'string' || typeof value !== 'string') return null;
  return scheme === 'singleton' ? scheme : `${scheme}:${value}`;
}

function insOuts(asked: Asked, report: Report): Option[] {
  return takeFiles(asked).flatMap(({ option, path, place }) => {
    const pattern = toPattern(path);
    if (pattern === null) report.dropped(null, place, `sbatch has no pattern for ${path}`);
    return pattern === null ? [] : [[option, pattern] as const];
  });
}

function environment(asked: Asked, report: Report): Option[] {
  const all = variables(asked.environment, (name, value) => exportText(name, value) !== null, report);
  if (all.length === 0) return [];
  return [['export', ['ALL', ...all.map(([name, value]) => exportText(name, value)!)].join(',')]];
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What once was an option of sbatch is one again. */
function slurmsOwn({ attributes }: Asked): Option[] {
  const slurm = attributes.peek('rainbow', 'slurm');
  if (!isMap(slurm)) return [];
  const options: Option[] = [];
  for (const [key, value] of Object.entries(slurm)) {
    const kind = SBATCH_OPTIONS.find((each) => each.key === key);
    const fits = value === true ? kind?.takes !== 'value' : typeof value !== 'object' && kind?.takes !== 'nothing';
    if (kind === undefined || !fits) continue;
    attributes.take('rainbow', 'slurm', key);
    options.push([key, value === true ? true : textOf(value)]);
  }
  return options;
}

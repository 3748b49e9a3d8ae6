/** A jobspec as a Flux command line: `flux submit` for a program, `flux batch` for a script, which follows it. */
import { isMap } from '../attributes.ts';
import type { Json } from '../draft.ts';
import { carried } from '../carrier.ts';
import { NO_CONTEXT } from '../context.ts';
import { readFluxBatch } from '../flux/read.ts';
import { BATCH_OPTIONS, SUBMIT_OPTIONS } from '../flux/options.ts';
import { queryText } from '../flux/query.ts';
import { hasFluxLines } from '../flux/script.ts';
import { countText, sameJobspec } from '../normal.ts';
import { Report } from '../report.ts';
import { oneLineScript, quoteWord, readOneLine } from '../words.ts';
import type { Asked } from './asked.ts';
import { readAsked } from './asked.ts';
import { dropRest, takeFiles, variables } from './rendered.ts';
import type { Rendered } from './rendered.ts';

const END = 'END_OF_SCRIPT';

export function renderFlux(jobspec: string): Rendered {
  const report = new Report();
  const asked = readAsked(jobspec, report);
  const inside = asked.runs === 'once' ? carried(asked.command) : null;
  const isBatch = asked.runs === 'once';
  let script: string | null = null;
  let options: string[] | null = null;
  if (inside !== null) {
    script = inside.script;
    if (inside.args.length > 0)
      report.dropped(null, 'arguments of the script', 'give them to flux batch after the script');
    if (inside.name !== 'script') report.noted(null, inside.name, 'flux batch gives the script a name of its own');
    if (hasFluxLines(script)) {
      if (saysTheSame(script, jobspec, inside.name)) options = [];
      else {
        script = script.replaceAll(/^([^\p{L}\p{N}_\n]*)(?:flux|FLUX):(?=[ \t]*-)/gmu, '$1 was flux:');
        report.altered(
          null,
          'the script',
          'its own directives are comments now',
          'they no longer say what the job asks for',
        );
      }
    }
    if (!script.endsWith('\n') || script.split('\n').includes(END)) {
      report.altered(
        null,
        'the script',
        'another end',
        'it must end with a line break, and hold no line of its own end mark',
      );
      if (!script.endsWith('\n')) script += '\n';
    }
  } else if (isBatch) {
    script = oneLineScript({ launcher: [], command: asked.command }, []);
    if (readOneLine(script, []) === null || hasFluxLines(script))
      report.altered(null, 'tasks[0].command', 'a script', 'as it is quoted, it is a script of its own');
  }
  if (script?.includes('\r\n') === true)
    report.altered(null, 'tasks[0].command', 'DOS line breaks', 'a shell stumbles on them');
  if (options === null) options = allOptions(asked, isBatch, report);
  else asked.attributes.tree()['system'] = asked.attributes.tree()['user'] = asked.attributes.tree()['rainbow'] = {};
  dropRest(asked.attributes, report);
  const words = options.map(quoteWord).join(' ');
  const text =
    script === null
      ? `flux submit ${words} -- ${asked.command.map(quoteWord).join(' ')}\n`
      : `flux batch ${words} <<'${END}'\n${script}${END}\n`;
  return { text: text.replace(/^(flux \w+) {2}/, '$1 '), report: report.sorted() };
}

function saysTheSame(script: string, jobspec: string, file: string): boolean {
  try {
    return sameJobspec(readFluxBatch(script, { ...NO_CONTEXT, file }).jobspec, jobspec);
  } catch {
    return false;
  }
}

function allOptions(asked: Asked, isBatch: boolean, report: Report): string[] {
  const { jobspec, attributes } = asked;
  const options = resources(asked, isBatch, report);
  if (jobspec.walltime !== null) options.push(`--time-limit=${jobspec.walltime}s`);
  if (jobspec.walltime !== null && !/^\d+(\.\d{1,3})?$/.test(String(jobspec.walltime))) {
    report.altered(null, 'attributes.system.duration', `${jobspec.walltime}s`, 'at most milliseconds');
  }
  if (jobspec.name !== null) options.push(`--job-name=${jobspec.name}`);
  if (jobspec.cwd !== null) options.push(`--cwd=${jobspec.cwd}`);
  if (jobspec.image !== null) options.push(`--setattr=user.image=${JSON.stringify(jobspec.image)}`);
  for (const key of ['queue', 'bank']) {
    const value = attributes.takeText('system', key);
    if (value !== null) options.push(`--${key}=${value}`);
  }
  if (asked.constraint !== null) {
    const query = queryText(asked.constraint);
    if (query === null) report.dropped(null, 'attributes.system.constraints', 'a query cannot say it (RFC 35)');
    else options.push(`--requires=${query}`);
  }
  const writable = (name: string, value: string): boolean => /^[A-Za-z_]\w*$/.test(name) && !/\$|\{\{/.test(value);
  for (const [name, value] of variables(asked.environment, writable, report)) options.push(`--env=${name}=${value}`);
  options.push(
    ...order(asked, isBatch, report),
    ...insOuts(asked),
    ...ownOptions(asked, isBatch),
    ...attributeOptions(asked),
  );
  return options;
}

function resources(asked: Asked, isBatch: boolean, report: Report): string[] {
  const { nodes, exclusive, slots, slot, beside, runs } = asked;
  const options: string[] = [];
  let total = 'total' in slots ? slots.total : slots.each;
  if (nodes !== null) {
    if (nodes.min !== nodes.max)
      report.altered(null, 'resources[0].count', `${nodes.min} nodes`, `a fixed number, not ${countText(nodes)}`);
    options.push(`--nodes=${nodes.min}`);
    if ('each' in slots) total = slots.each * nodes.min;
    else
      report.altered(
        null,
        'resources',
        `${Math.ceil(total / nodes.min)} slots on each node`,
        'Flux has as many slots on each node',
      );
  }
  if (typeof runs === 'object') {
    // Flux itself has more slots than tasks where tasks are no multiple of nodes.
    const each = nodes === null ? 0 : Math.ceil(runs.total / nodes.min);
    const fits = nodes !== null && runs.total >= nodes.min && 'each' in slots && slots.each === each;
    if (fits) total = runs.total;
    else report.altered(null, 'tasks[0].count', 'once in each slot', 'tasks are as many as slots');
  }
  const [task, cores, gpus] = isBatch
    ? ['nslots', 'cores-per-slot', 'gpus-per-slot']
    : ['ntasks', 'cores-per-task', 'gpus-per-task'];
  options.push(`--${task}=${total}`);
  if (slot.cores > 1) options.push(`--${cores}=${slot.cores}`);
  if (exclusive) options.push('--exclusive');
  for (const { type, count, model } of slot.others) {
    if (type !== 'gpu' || slot.others.length > 1)
      report.dropped(null, `resources of type ${type}`, 'Flux is asked for cores and gpus');
    else {
      if (model !== null) report.altered(null, `gpus of model ${model}`, 'any gpus', 'Flux is not asked for a model');
      options.push(`--${gpus}=${count}`);
    }
  }
  for (const each of [slot.memory, beside.memory]) {
    if (each !== null) report.dropped(null, 'memory', 'Flux is asked for cores and gpus');
  }
  for (const { type } of beside.others)
    report.dropped(null, `resources of type ${type}`, 'Flux is asked for cores and gpus, by slot');
  if (beside.cores > 0) report.dropped(null, 'cores beside the slots', 'cores are asked for by slot');
  return options;
}

function order({ attributes }: Asked, isBatch: boolean, report: Report): string[] {
  const options: string[] = [];
  const begin = attributes.takeText('rainbow', 'begin');
  if (begin !== null) options.push(`--begin-time=${begin}`);
  if (attributes.take('rainbow', 'hold') === true) {
    options.push('--urgency=hold');
    const urgency = attributes.take('rainbow', 'flux', 'urgency');
    if (urgency !== undefined)
      report.dropped(null, 'attributes.rainbow.flux.urgency', 'a job that is held has no other urgency');
  }
  const array = attributes.peek('rainbow', 'array');
  if (
    !isBatch &&
    isMap(array) &&
    typeof array['indices'] === 'string' &&
    Object.keys(array).length === 1 &&
    !/[:%]/.test(array['indices'])
  ) {
    attributes.take('rainbow', 'array');
    options.push(`--cc=${array['indices']}`);
  }
  const dependencies = attributes.peek('system', 'dependencies');
  if (Array.isArray(dependencies)) {
    const said = dependencies.filter((each) => !isMap(each) || !isLater(each));
    if (said.length < dependencies.length) {
      report.dropped(null, 'attributes.system.dependencies', 'Flux knows of no minutes after a start');
      attributes.put(said, 'system', 'dependencies');
    }
    const uris = said.map((each) => (isMap(each) ? uriOf(each) : null));
    if (!uris.includes(null)) {
      attributes.take('system', 'dependencies');
      options.push(...uris.map((uri) => `--dependency=${uri}`));
    }
  }
  const retry = attributes.peek('rainbow', 'retry');
  if (isMap(retry) && retry['limit'] === 0) attributes.take('rainbow', 'retry');
  return options;
}

/** Slurm's `after:ID+MINUTES`. */
function isLater({ scheme, value }: Record<string, unknown>): boolean {
  return scheme === 'after' && typeof value === 'string' && value.includes('+');
}

function uriOf({ scheme, value, ...more }: Record<string, unknown>): string | null {
  if (typeof scheme !== 'string' || typeof value !== 'string' || !/^[a-z][\w-]*$/.test(scheme) || value.includes('?'))
    return null;
  const query: string[] = [];
  for (const [key, each] of Object.entries(more)) {
    if (typeof each !== 'string' || /[=&]/.test(key) || each.includes('&') || key === '') return null;
    query.push(`${key}=${each}`);
  }
  return `${scheme}:${value}${query.length === 0 ? '' : `?${query.join('&')}`}`;
}

function insOuts(asked: Asked): string[] {
  return takeFiles(asked, (path) => path !== 'none' && path !== 'kvs').map(({ option, path }) => `--${option}=${path}`);
}

/** What once was an option of Flux is one again. */
function ownOptions({ attributes }: Asked, isBatch: boolean): string[] {
  const flux = attributes.peek('rainbow', 'flux');
  if (!isMap(flux)) return [];
  const options: string[] = [];
  for (const [key, value] of Object.entries(flux)) {
    const kind = (isBatch ? BATCH_OPTIONS : SUBMIT_OPTIONS).find((each) => each.key === key);
    const values = Array.isArray(value) ? (value as Json[]) : [value];
    const fits = values.every((each) =>
      each === true ? kind?.takes !== 'value' : typeof each !== 'object' && kind?.takes !== 'nothing',
    );
    if (kind === undefined || !fits) continue;
    attributes.take('rainbow', 'flux', key);
    options.push(...values.map((each) => (each === true ? `--${key}` : `--${key}=${each as string}`)));
  }
  return options;
}

/** Anything under system and user can be set as it is, leaf by leaf: a map would take what its neighbours set. */
function attributeOptions({ attributes }: Asked): string[] {
  const options: string[] = [];
  for (const [path, value] of attributes.rest()) {
    if (path.length < 2 || !['system', 'user'].includes(path[0]!)) continue;
    const leaves = leavesOf(path, value);
    if (leaves === null) continue;
    attributes.take(...path);
    for (const [keys, leaf] of leaves) {
      const inShell = keys.slice(0, 3).join('.') === 'system.shell.options' && keys.length > 3;
      const [option, name] = inShell ? ['setopt', keys.slice(3)] : ['setattr', keys];
      options.push(`--${option}=${name.join('.')}=${JSON.stringify(leaf)}`);
    }
  }
  return options;
}

/** null where a key cannot be written as part of a path. */
function leavesOf(path: readonly string[], value: Json): readonly (readonly [readonly string[], Json])[] | null {
  if (/[.=^]|^$/.test(path.at(-1)!) || path.length > 16) return null;
  if (!isMap(value) || Object.keys(value).length === 0)
    return JSON.stringify(value).length > 100_000 ? null : [[path, value]];
  const all = Object.entries(value).map(([key, each]) => leavesOf([...path, key], each));
  return all.includes(null) ? null : all.flatMap((each) => each!);
}

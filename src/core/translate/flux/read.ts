/**
 * A Flux batch script, or a `flux submit` command, to a jobspec. Slots are laid out as Flux lays them out: over N
 * nodes as many slots each, rounded up.
 */
import { counted } from '../counted.ts';
import { isMoment } from '../../job/moment.ts';
import { readPriority } from '../lifecycle.ts';
import { checkImage } from '../../image/reference.ts';
import { readTime } from '../../jobspec/time.ts';
import { readQuantity } from '../../jobspec/quantity.ts';
import { LARGEST } from '../../jobspec/place.ts';
import { carry, checkLineBreaks, MOST_SCRIPT, readShebang } from '../carrier.ts';
import { flagText, withOverrides } from '../context.ts';
import type { Overrides, ReadContext } from '../context.ts';
import { jsonMap, newDraft, under, writeDraft } from '../draft.ts';
import type { Draft, DraftVertex, Json } from '../draft.ts';
import { readOptions, wrong } from '../getopt.ts';
import type { Given, OptionKind } from '../getopt.ts';
import { layOut } from '../layout.ts';
import { Report } from '../report.ts';
import type { Spot } from '../report.ts';
import { STDIN, type TranslatedJob } from '../slurm/read.ts';
import { checkLength } from '../text.ts';
import { noteTools } from '../tools.ts';
import { readOneLine } from '../words.ts';
import { readAttributeOptions } from './attributes.ts';
import { readCommandLine } from './command.ts';
import { readRules } from './environment.ts';
import { BATCH_OPTIONS, CARRIED, DROPPED, OF_THE_CALL, SUBMIT_OPTIONS } from './options.ts';
import { readQuery } from './query.ts';
import { readFluxDirectives } from './script.ts';

/** Several of these count together; of all others the last. */
const MANY = [
  'setopt',
  'setattr',
  'add-file',
  'dependency',
  'requires',
  'env',
  'env-remove',
  'env-file',
  'rlimit',
  'flags',
  'broker-opts',
  'conf',
];

export function readFluxBatch(script: string, context: ReadContext): TranslatedJob {
  return readBatch(script, [], context);
}

/** `flux submit … -- program`, or `flux batch … <<'END'` with the script. */
export function readFluxCommand(text: string, context: ReadContext): TranslatedJob {
  checkLength(text, MOST_SCRIPT);
  const { words, script } = readCommandLine(text);
  const command = words[1]?.text;
  if (command === 'batch' && script !== null) {
    const { given, rest } = readOptions(words.slice(2), BATCH_OPTIONS, true);
    if (rest[0] !== undefined) throw wrong(rest[0], 'a script by its name is not read here; give the script itself');
    return readBatch(script, given, context);
  }
  if (command !== 'submit' && command !== 'run')
    throw wrong({ line: 1, column: 1 }, 'must be flux submit, or flux batch with <<');
  const { given, rest } = readOptions(words.slice(2), SUBMIT_OPTIONS, true);
  if (rest.length === 0) throw wrong({ line: 1, column: 1 }, 'the program is missing');
  const report = new Report();
  const draft = newDraft();
  const { slot, tasks } = readJob(given, SUBMIT_OPTIONS, draft, context, report);
  const program = [...rest.map((word) => word.text), ...context.args];
  draft.tasks = [{ command: program, slot, count: tasks === null ? { per_slot: 1 } : { total: tasks } }];
  return { jobspec: writeDraft(draft), report: report.sorted() };
}

function readBatch(script: string, commandLine: readonly Given[], context: ReadContext): TranslatedJob {
  checkLength(script, MOST_SCRIPT);
  readShebang(script);
  checkLineBreaks(script);
  const report = new Report();
  const draft = newDraft();
  const { given, rest } = readOptions(readFluxDirectives(script), BATCH_OPTIONS, false);
  if (rest[0] !== undefined)
    throw wrong(rest[0], `${JSON.stringify(rest[0].text.slice(0, 60))} is no option of flux batch`);
  const { slot } = readJob([...given, ...commandLine], BATCH_OPTIONS, draft, context, report);
  const line = context.args.length > 0 ? null : readOneLine(script, []);
  if (line === null) noteTools(script, report);
  const command = line?.command ?? carry({ script, name: context.file, args: context.args });
  draft.tasks = [{ command, slot, count: { total: 1 } }];
  return { jobspec: writeDraft(draft), report: report.sorted() };
}

interface Slots {
  readonly slot: string;
  /** Where there are more slots than tasks, which N nodes and no multiple of N tasks give; else null. */
  readonly tasks: number | null;
}

function readJob(
  given: readonly Given[],
  kinds: readonly OptionKind[],
  draft: Draft,
  context: ReadContext,
  report: Report,
): Slots {
  const { overrides } = context;
  const last = new Map<string, Given>();
  for (const each of given) {
    const earlier = MANY.includes(each.key) ? undefined : last.get(each.key);
    if (earlier !== undefined) report.overridden(earlier, earlier.what, `line ${each.line} says ${each.what}`);
    last.set(each.key, each);
  }
  const slots = readSlots(last, kinds, draft, overrides, report);
  readOnes(last, draft, overrides, report);
  readAttributeOptions(given, draft, report);
  const environment = readRules(
    given.filter(({ key }) => key === 'env' || key === 'env-remove'),
    context.environment,
    report,
  );
  const all = withOverrides(environment, overrides)!;
  if (Object.keys(all as object).length > 0) draft.system['environment'] = all;
  if (overrides.image !== undefined) draft.user['image'] = checkImage(overrides.image, '--image');
  readRequires(given, draft, report);
  for (const each of given) readRest(each, last, draft, report);
  return slots;
}

function readSlots(
  last: Map<string, Given>,
  kinds: readonly OptionKind[],
  draft: Draft,
  overrides: Overrides,
  report: Report,
): Slots {
  const isBatch = kinds === BATCH_OPTIONS;
  const [n, c, g] = isBatch
    ? (['nslots', 'cores-per-slot', 'gpus-per-slot'] as const)
    : (['ntasks', 'cores-per-task', 'gpus-per-task'] as const);
  const number = (key: string, flag: keyof Overrides, least: number): number | null => {
    const chosen = last.get(key);
    const over = overrides[flag];
    if (typeof over === 'number') {
      if (chosen !== undefined) report.overridden(chosen, chosen.what, `the command line says ${flagText(flag, over)}`);
      return over;
    }
    if (chosen === undefined) return null;
    const value = /^\d{1,10}$/.test(chosen.value ?? '') ? Number(chosen.value) : -1;
    if (value < least || value > LARGEST) throw wrong(chosen, `${chosen.what}: must be a whole number from ${least}`);
    return value;
  };
  const nodes = number('nodes', 'nodes', 1);
  const slots = number(n, 'tasks', 1) ?? nodes ?? (isBatch ? null : 1);
  if (slots === null)
    throw wrong({ line: 1, column: 1 }, 'the number of slots is missing: give -n, or -N (or --tasks, --nodes)');
  const cores = number(c, 'cores', 1) ?? 1;
  const gpus = number(g, 'gpus', 0) ?? 0;
  const named = last.get('exclusive');
  const whole = named !== undefined || (nodes !== null && !last.has(n) && overrides.tasks === undefined);
  if (named !== undefined && nodes === null) throw wrong(named, '--exclusive needs -N, as for Flux');
  if (nodes !== null && nodes > slots)
    throw wrong(last.get('nodes') ?? { line: 1, column: 1 }, `${slots} slots cannot be spread over ${nodes} nodes`);
  const bundle: DraftVertex[] = [{ type: 'core', count: cores }, ...(gpus === 0 ? [] : [{ type: 'gpu', count: gpus }])];
  const beside: DraftVertex[] = [];
  if (overrides.memory !== undefined) {
    const { amount, unit } = readQuantity(overrides.memory, '--memory');
    if (nodes === null && slots > 1)
      throw wrong({ line: 1, column: 1 }, '--memory is for each node, so with several slots it needs --nodes');
    (nodes === null ? bundle : beside).push({ type: 'memory', count: amount, unit });
  }
  const each = nodes === null ? slots : Math.ceil(slots / nodes);
  const said = (key: string, became: string): void => {
    const chosen = last.get(key);
    if (chosen !== undefined && !(key in flagsOf(overrides, n, c, g))) report.kept(chosen, chosen.what, became);
  };
  said('nodes', whole ? counted(nodes ?? 0, 'whole node') : counted(nodes ?? 0, 'node'));
  said(n, nodes === null ? counted(slots, 'slot') : `${counted(each, 'slot')} on each node`);
  said(c, `${counted(cores, 'core')} in each slot`);
  said(g, `${counted(gpus, 'gpu')} in each slot`);
  said('exclusive', 'whole nodes');
  const laidOut = layOut({
    nodes,
    exclusive: whole,
    slots: nodes === null ? { total: slots } : { each },
    bundle,
    beside,
  });
  draft.resources = laidOut.resources;
  return { slot: laidOut.slots[0]!, tasks: nodes !== null && slots % nodes !== 0 ? slots : null };
}

function flagsOf(overrides: Overrides, n: string, c: string, g: string): Readonly<Record<string, true>> {
  return {
    ...(overrides.nodes === undefined ? {} : { nodes: true as const }),
    ...(overrides.tasks === undefined ? {} : { [n]: true as const }),
    ...(overrides.cores === undefined ? {} : { [c]: true as const }),
    ...(overrides.gpus === undefined ? {} : { [g]: true as const }),
  };
}

/** Options that are one value each. */
function readOnes(last: Map<string, Given>, draft: Draft, overrides: Overrides, report: Report): void {
  const one = (
    key: string,
    over: string | undefined,
    put: (value: string, at: Spot | null, what: string) => void,
  ): void => {
    const chosen = last.get(key);
    if (over !== undefined) {
      if (chosen !== undefined) report.overridden(chosen, chosen.what, 'the command line says otherwise');
      put(over, null, over);
    } else if (chosen !== undefined) put(chosen.value ?? '', chosen, chosen.what);
  };
  const say = (at: Spot | null, what: string, became: string): void => {
    if (at !== null) report.kept(at, what, became);
  };
  one('job-name', overrides.name, (value, at, what) => {
    draft.system['job'] = jsonMap({ name: value });
    say(at, what, 'its name');
  });
  one('cwd', overrides.cwd, (value, at, what) => {
    draft.system['cwd'] = value;
    say(at, what, 'attributes.system.cwd');
  });
  one('time-limit', overrides.time, (value, at, what) => {
    const seconds = at === null ? readTime(value, '--time') : fluxTime(value);
    if (seconds === null) throw wrong(at!, `${what}: must be minutes, or a duration such as 30s, 1.5h, 2d`);
    if (seconds === 0)
      report.altered(at, what, 'the server’s default', 'every job has an end; say how long it may run');
    else {
      draft.system['duration'] = seconds;
      say(at, what, `${seconds} s`);
    }
  });
  for (const [key, over] of [
    ['queue', overrides.partition],
    ['bank', overrides.account],
  ] as const) {
    one(key, over, (value, at, what) => {
      draft.system[key] = value;
      if (at !== null) report.carried(at, what, `attributes.system.${key}`, null);
    });
  }
  one('begin-time', undefined, (value, at, what) => {
    draft.rainbow['begin'] = value;
    if (isMoment(value)) report.kept(at, what, 'not before then');
    else report.carried(at, what, 'attributes.rainbow.begin', 'it may start at once: a time needs its zone');
  });
  for (const [key, stream] of [
    ['input', 'stdin'],
    ['output', 'stdout'],
    ['error', 'stderr'],
  ] as const) {
    one(key, undefined, (value, at, what) => {
      if (value === 'none' || value === 'kvs') return report.noted(at, what, 'output is always kept, too');
      const kind = stream === 'stdin' ? 'input' : 'output';
      under(under(under(draft.system, 'shell'), 'options'), kind)[stream] = { type: 'file', path: value };
      if (stream === 'stdin') report.kept(at, what, STDIN);
      else report.carried(at, what, `attributes.system.shell.options.${kind}.${stream}`, null);
    });
  }
  for (const key of ['cc', 'bcc']) {
    one(key, undefined, (value, at, what) => {
      draft.rainbow['array'] = jsonMap({ indices: value });
      report.kept(at, what, 'an array');
    });
  }
}

/** Minutes where no unit is given. */
function fluxTime(value: string): number | null {
  const found = /^(\d{1,12}(?:\.\d{1,9})?|\.\d{1,9})(ms|s|m|h|d)?$/.exec(value.trim());
  if (/^(inf|infinity)$/i.test(value.trim())) return 0;
  if (found === null) return null;
  const units: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };
  const seconds = Math.round(Number(found[1]) * units[found[2] ?? 'm']! * 1000) / 1000;
  return seconds > LARGEST ? null : seconds;
}

function readRequires(given: readonly Given[], draft: Draft, report: Report): void {
  const all = given.filter(({ key }) => key === 'requires');
  if (all.length === 0) return;
  const read: Json[] = [];
  for (const each of all) {
    const constraint = readQuery(each.value ?? '');
    if (constraint === null)
      throw wrong(each, `${each.what.slice(0, 80)}: must be a constraint (RFC 35), as in 'gpu&-old' or host:node[1-4]`);
    read.push(constraint);
    report.kept(each, each.what, 'a constraint on the nodes');
  }
  draft.system['constraints'] = read.length === 1 ? read[0]! : { and: read };
}

function readRest(each: Given, last: Map<string, Given>, draft: Draft, report: Report): void {
  const { key, value, what } = each;
  if (!MANY.includes(key) && last.get(key) !== each) return;
  if (OF_THE_CALL.includes(key)) report.noted(each, what, 'of flux itself');
  else if (key in DROPPED) report.dropped(each, what, DROPPED[key]!);
  else if (key in CARRIED) {
    if (key === 'urgency' && (value === '0' || value === 'hold')) {
      draft.rainbow['hold'] = true;
      return report.kept(each, what, 'held');
    }
    const flux = under(draft.rainbow, 'flux');
    const before = flux[key];
    if (MANY.includes(key)) flux[key] = [...(Array.isArray(before) ? (before as Json[]) : []), value ?? ''];
    else flux[key] = value ?? true;
    if (key === 'urgency' && readPriority(value ?? '') !== null) report.kept(each, what, 'its priority, around 16');
    else if (CARRIED[key] === null) report.carried(each, what, `attributes.rainbow.flux.${key}`, null);
    else report.narrowed(each, what, 'asked of clusters of Flux', `no other gets it: there ${CARRIED[key]!}`);
  }
}

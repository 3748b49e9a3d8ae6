/**
 * A jobspec as the document that Flux itself takes (RFC 25, version 1), for whoever submits it: what the command line
 * of `flux.ts` would make of it, without its limits. Attributes of `system` and `user` go in as they are. Pure.
 * A script is given a Flux instance of its own inside its resources, as `flux batch` does.
 *
 * Where it stops: name, environment and output are the submitter's; arrays Flux has no word for, nor for images: the agent sees to those.
 */
import { Attributes, isMap } from '../attributes.ts';
import { carried } from '../carrier.ts';
import { jsonMap, under } from '../draft.ts';
import type { Json, JsonMap } from '../draft.ts';
import { readJobspec } from '../../jobspec/read.ts';
import { countText } from '../normal.ts';
import { Report } from '../report.ts';
import type { ReportLine } from '../report.ts';
import type { Asked } from './asked.ts';
import { readAsked } from './asked.ts';
import { dropRest } from './rendered.ts';
import { renderRfc14 } from './rfc14.ts';

export interface FluxJob {
  readonly asked: Asked;
  readonly document: {
    readonly version: 1;
    readonly resources: readonly Json[];
    readonly tasks: readonly Json[];
    readonly attributes: { readonly system: JsonMap; readonly user: JsonMap };
  };
  /** 0 is held; null: none is asked for. */
  readonly urgency: number | null;
  /** What cannot be said, or only otherwise. */
  readonly report: readonly ReportLine[];
}

/** Throws `invalid_input` where the jobspec is none, or of a shape that Flux does not know. */
export function fluxJob(jobspec: string): FluxJob {
  const { dialect } = readJobspec(jobspec);
  if (dialect === 'nextgen' || dialect === 'experimental') {
    const first = renderRfc14(jobspec);
    const second = fluxJob(first.text);
    return { ...second, report: [...first.report, ...second.report] };
  }
  const report = new Report();
  const asked = readAsked(jobspec, report);
  const { attributes } = asked;
  // For whoever places it, not for Flux.
  attributes.take('rainbow', 'allowLossy');
  const urgency = urgencyOf(asked, report);
  const own = takeOwn(asked);
  if (asked.jobspec.image !== null) {
    report.dropped(null, 'attributes.user.image', 'Flux knows no image by its reference; start it in the script');
  }
  const dependencies = takeDependencies(asked, report);
  const system = mapOf(takeRoot(attributes, 'system'));
  const user = mapOf(takeRoot(attributes, 'user'));
  const { walltime, cwd } = asked.jobspec;
  if (walltime !== null) system['duration'] = walltime;
  if (cwd !== null) system['cwd'] = cwd;
  if (dependencies.length > 0) system['dependencies'] = dependencies;
  // As they were written: what the reader made of them is for the matcher.
  const constraints = new Attributes(jobspec).peek('system', 'constraints');
  if (constraints !== undefined) system['constraints'] = constraints;
  const options = under(under(system, 'shell'), 'options');
  if (own.signal !== null) options['signal'] = own.signal;
  if (own.labelled) for (const stream of ['stdout', 'stderr']) under(under(options, 'output'), stream)['label'] = true;
  const resources = resourcesOf(asked, report);
  const tasks = tasksOf(asked, system, options, own.broker, report);
  dropRest(attributes, report);
  return {
    asked,
    document: { version: 1, resources, tasks, attributes: { system, user } },
    urgency,
    report: report.sorted(),
  };
}

function resourcesOf({ nodes, exclusive, slots, slot, beside }: Asked, report: Report): readonly Json[] {
  const inSlot: Json[] = [{ type: 'core', count: Math.max(1, slot.cores) }];
  for (const { type, count, model } of slot.others) {
    if (type !== 'gpu' || slot.others.length > 1) {
      report.dropped(null, `resources of type ${type}`, 'Flux is asked for cores and gpus');
      continue;
    }
    if (model !== null) report.altered(null, `gpus of model ${model}`, 'any gpus', 'Flux is not asked for a model');
    inSlot.push({ type: 'gpu', count });
  }
  for (const each of [slot.memory, beside.memory]) {
    if (each !== null) report.dropped(null, 'memory', 'Flux is asked for cores and gpus');
  }
  for (const { type } of beside.others)
    report.dropped(null, `resources of type ${type}`, 'Flux is asked for cores and gpus, by slot');
  if (beside.cores > 0) report.dropped(null, 'cores beside the slots', 'cores are asked for by slot');
  const ofSlot = (count: number): Json => ({ type: 'slot', count, label: 'task', with: inSlot });
  if (nodes === null) return [ofSlot('total' in slots ? slots.total : slots.each)];
  if (nodes.min !== nodes.max)
    report.altered(null, 'resources[0].count', `${nodes.min} nodes`, `a fixed number, not ${countText(nodes)}`);
  let each = 0;
  if ('each' in slots) ({ each } = slots);
  else {
    each = Math.ceil(slots.total / nodes.min);
    if (each * nodes.min !== slots.total)
      report.altered(null, 'resources', `${each} slots on each node`, 'Flux has as many slots on each node');
  }
  return [{ type: 'node', count: nodes.min, ...(exclusive ? { exclusive } : {}), with: [ofSlot(each)] }];
}

/** Where `flux broker` puts the script that it is given, and what it may do: read, write and execute, its owner alone. */
export const SCRIPT = '{{tmpdir}}/script';
const SCRIPT_MODE = 0o100_700;

function tasksOf(
  asked: Asked,
  system: JsonMap,
  options: JsonMap,
  broker: readonly string[],
  report: Report,
): readonly Json[] {
  const { runs, command } = asked;
  const inside = runs === 'once' ? carried(command) : null;
  if (inside === null) {
    if (broker.length > 0) report.dropped(null, 'attributes.rainbow.flux.broker-opts', 'it runs no broker of its own');
    const total = runs === 'once' ? 1 : typeof runs === 'object' ? runs.total : null;
    return [{ command, slot: 'task', count: total === null ? { per_slot: 1 } : { total } }];
  }
  under(system, 'files')['script'] = { mode: SCRIPT_MODE, encoding: 'utf-8', data: inside.script };
  options['per-resource'] ??= { type: 'node' };
  options['mpi'] ??= 'none';
  options['exit-timeout'] ??= 'none';
  return [{ command: ['flux', 'broker', ...broker, SCRIPT, ...inside.args], slot: 'task', count: { per_slot: 1 } }];
}

const NAMED: Readonly<Record<string, number>> = { hold: 0, default: 16, expedite: 31 };

function urgencyOf({ attributes }: Asked, report: Report): number | null {
  const isHeld = attributes.take('rainbow', 'hold') === true;
  const said = attributes.take('rainbow', 'flux', 'urgency');
  if (said === undefined) return isHeld ? 0 : null;
  const urgency = typeof said === 'string' ? (NAMED[said] ?? Number(said)) : Number(said);
  if (Number.isInteger(urgency) && urgency >= 0 && urgency <= 31) return isHeld ? 0 : urgency;
  report.dropped(null, 'attributes.rainbow.flux.urgency', 'an urgency is a whole number from 0 to 31');
  return isHeld ? 0 : null;
}

/** Options of Flux's command line that have a place in the document. */
function takeOwn({ attributes }: Asked): {
  readonly labelled: boolean;
  readonly broker: readonly string[];
  readonly signal: JsonMap | null;
} {
  // Its output is not buffered anyway.
  attributes.take('rainbow', 'flux', 'unbuffered');
  const retry = attributes.peek('rainbow', 'retry');
  if (isMap(retry) && retry['limit'] === 0) attributes.take('rainbow', 'retry');
  const labelled = attributes.take('rainbow', 'flux', 'label-io') === true;
  const broker = attributes.take('rainbow', 'flux', 'broker-opts');
  const words = Array.isArray(broker) ? broker : broker === undefined ? [] : [broker];
  const signal = signalOf(attributes.peek('rainbow', 'flux', 'signal'));
  if (signal !== null) attributes.take('rainbow', 'flux', 'signal');
  return { labelled, broker: words.map(String), signal };
}

/** By their numbers on Linux. */
const SIGNALS: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  KILL: 9,
  USR1: 10,
  USR2: 12,
  ALRM: 14,
  TERM: 15,
  CONT: 18,
  STOP: 19,
};

/** `--signal=[SIG][@TIME]`, of flux-submit(1), as the shell takes it: USR1, a minute before the end. Null: neither. */
function signalOf(said: Json | undefined): JsonMap | null {
  const found = typeof said === 'string' ? /^(?:SIG)?([A-Z]+[12]?|\d{1,2})?(?:@(.+))?$/i.exec(said) : null;
  if (said !== true && found === null) return null;
  const [, name = 'USR1', time = '60s'] = found ?? [];
  const signum = /^\d+$/.test(name) ? Number(name) : SIGNALS[name.toUpperCase()];
  const [, amount = '', unit = 's'] = /^(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h|d)?$/.exec(time) ?? [];
  const timeleft = Number(amount) * { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 }[unit as 's'];
  return signum === undefined || amount === '' ? null : jsonMap({ signum, timeleft });
}

/** RFC 26: those that it has, and the time before which it must not begin. */
function takeDependencies({ attributes }: Asked, report: Report): readonly Json[] {
  const found = attributes.take('system', 'dependencies');
  const begin = attributes.takeText('rainbow', 'begin');
  const all: Json[] = Array.isArray(found) ? [...(found as Json[])] : [];
  if (begin !== null) {
    // oxlint-disable-next-line no-restricted-globals -- arithmetic on a given time, no clock
    const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/.test(begin) ? Date.parse(begin) : NaN;
    if (Number.isNaN(at)) report.dropped(null, 'attributes.rainbow.begin', `${begin} is no time with a time zone`);
    else all.push({ scheme: 'begin-time', value: String(at / 1000) });
  }
  return all;
}

function takeRoot(attributes: Attributes, root: 'system' | 'user'): Json | undefined {
  return attributes.take(root);
}

/** A copy that may be written to, however deep. */
function mapOf(value: Json | undefined): JsonMap {
  const made = jsonMap();
  if (!isMap(value)) return made;
  for (const [key, each] of Object.entries(value)) made[key] = isMap(each) ? mapOf(each) : each;
  return made;
}

/** A jobspec as a Kubernetes Job: a slot is a pod. Pods have images, so one must be named. */
import { counted } from '../counted.ts';
import { RainbowError } from '../../errors.ts';
import type { Constraint } from '../../jobspec/jobspec.ts';
import { isMap } from '../attributes.ts';
import { bytesIn, inUnits, roundedUp } from '../amounts.ts';
import { jsonMap, toYaml, under } from '../draft.ts';
import type { Json, JsonMap } from '../draft.ts';
import { escapeReferences } from '../kubernetes/environment.ts';
import { quantityText } from '../kubernetes/quantity.ts';
import { NAME_ANNOTATION, NO_NAME, QUEUE_LABEL } from '../kubernetes/read.ts';
import { Report } from '../report.ts';
import type { Asked, Bundle } from './asked.ts';
import { readAsked } from './asked.ts';
import { dropRest, slotsInAll, variables } from './rendered.ts';
import type { Rendered } from './rendered.ts';

/** `image`: where the jobspec names none. Throws `invalid_input` where neither does. */
export function renderKubernetes(jobspec: string, image: string | null): Rendered {
  const report = new Report();
  const asked = readAsked(jobspec, report);
  const named = asked.jobspec.image ?? image;
  if (named === null) {
    throw new RainbowError(
      'invalid_input',
      'Kubernetes runs images, and the jobspec names none: say which with --image',
      { place: 'image' },
    );
  }
  if (asked.jobspec.image === null) report.noted(null, `image ${named}`, 'the jobspec names none');
  const { attributes } = asked;
  const job: JsonMap = jsonMap({ apiVersion: 'batch/v1', kind: 'Job', metadata: metadata(asked), spec: jsonMap() });
  const spec = under(job, 'spec');
  const { count, each } = podsOf(asked, report);
  Object.assign(spec, completions(asked, count, report));
  if (asked.jobspec.walltime !== null) {
    const seconds = Math.ceil(asked.jobspec.walltime);
    if (seconds !== asked.jobspec.walltime)
      report.altered(null, 'attributes.system.duration', `${seconds} s`, 'whole seconds');
    spec['activeDeadlineSeconds'] = seconds;
  }
  const retry = attributes.peek('rainbow', 'retry');
  const limit =
    isMap(retry) && typeof retry['limit'] === 'number' && Object.keys(retry).length === 1 ? retry['limit'] : null;
  if (limit !== null) attributes.take('rainbow', 'retry');
  // Kubernetes would try it six times again.
  spec['backoffLimit'] = limit ?? 0;
  if (attributes.take('rainbow', 'hold') === true) spec['suspend'] = true;
  const pod = under(under(spec, 'template'), 'spec');
  pod['restartPolicy'] = 'Never';
  const affinity = asked.constraint === null ? null : affinityOf(asked.constraint);
  if (affinity !== null) pod['affinity'] = affinity;
  else if (asked.constraint !== null)
    report.dropped(null, 'attributes.system.constraints', 'labels cannot say it: properties must be key=value or key');
  pod['containers'] = [container(asked, each, named, report)];
  putBack(asked, job);
  dropRest(attributes, report);
  return { text: toYaml(job), report: report.sorted() };
}

function metadata({ jobspec, attributes }: Asked): JsonMap {
  const made = jsonMap();
  const { name } = jobspec;
  if (name === null) made['generateName'] = NO_NAME;
  else {
    const allowed = name
      .toLowerCase()
      .replaceAll(/[^a-z0-9.-]+/g, '-')
      .replaceAll(/^[.-]+|[.-]+$/g, '')
      .slice(0, 63)
      .replace(/[.-]+$/, '');
    made['name'] = allowed === '' ? 'job' : allowed;
    if (made['name'] !== name) made['annotations'] = jsonMap({ [NAME_ANNOTATION]: name });
  }
  const queue = attributes.takeText('system', 'queue');
  if (queue !== null) made['labels'] = jsonMap({ [QUEUE_LABEL]: queue });
  return made;
}

/** How many pods, and what each of them has. A program that runs once has one pod, with all that one node would have. */
function podsOf(asked: Asked, report: Report): { readonly count: number; readonly each: Bundle } {
  const { nodes, slots, slot, beside, runs } = asked;
  const all = slotsInAll(asked);
  const fixed = nodes === null ? null : nodes.min;
  const besides = beside.memory !== null || beside.others.length > 0 || beside.cores > 0;
  if (asked.exclusive) report.dropped(null, 'resources[0].exclusive', 'a pod has no node alone');
  if (runs === 'once' && (all > 1 || besides)) {
    const times = 'each' in slots ? slots.each : Math.ceil(slots.total / (fixed ?? 1));
    const each = sum(times, slot, beside, report);
    const said = `one pod of ${counted(each.cores, 'core')}`;
    report.altered(
      null,
      'resources',
      said,
      (fixed ?? 1) > 1
        ? `the program runs in one pod, with what one of ${fixed} nodes has`
        : 'the program runs in one pod',
    );
    return { count: 1, each };
  }
  if (nodes !== null)
    report.altered(null, 'resources', `${all} pods, on any nodes`, 'pods are not spread over a number of nodes');
  if (besides) report.dropped(null, 'what is beside the slots of a node', 'all is asked for by pod');
  if (typeof runs !== 'object' || runs.total === all) return { count: all, each: slot };
  report.altered(null, 'tasks[0].count', `${runs.total} pods`, 'each pod runs the program once');
  return { count: runs.total, each: slot };
}

function sum(times: number, slot: Bundle, beside: Bundle, report: Report): Bundle {
  const bytes = (memory: Bundle['memory']): bigint =>
    memory === null ? 0n : (bytesIn(memory.amount, memory.unit) ?? 0n);
  const total = bytes(slot.memory) * BigInt(times) + bytes(beside.memory);
  const others = slot.others.map((each) => ({ ...each, count: each.count * times }));
  for (const each of beside.others) {
    const same = others.find(({ type, model }) => type === each.type && model === each.model);
    if (same === undefined) others.push(each);
    else same.count += each.count;
  }
  for (const { memory } of [slot, beside]) {
    if (memory !== null && bytesIn(memory.amount, memory.unit) === null)
      report.dropped(null, 'memory', 'of an unknown unit');
  }
  const memory = total === 0n ? null : (inUnits(total, UNITS) ?? roundedUp(total, UNITS));
  return { cores: slot.cores * times + beside.cores, memory, others };
}

function completions({ attributes }: Asked, count: number, report: Report): JsonMap {
  const array = attributes.peek('rainbow', 'array');
  if (isMap(array) && count === 1) {
    const to = /^0(?:-(\d{1,8}))?$/.exec(typeof array['indices'] === 'string' ? array['indices'] : '');
    const limit = array['limit'];
    const tasks = Number(to?.[1] ?? 0) + 1;
    if (to !== null && to[1] !== '0' && (limit === undefined || (typeof limit === 'number' && limit < tasks))) {
      attributes.take('rainbow', 'array');
      const plain = array['indexed'] === false && limit !== undefined;
      if (array['indexed'] === false && !plain)
        report.altered(null, 'attributes.rainbow.array', 'an Indexed Job', 'all at once would be no array');
      return jsonMap({
        parallelism: limit ?? tasks,
        completions: tasks,
        ...(plain ? {} : { completionMode: 'Indexed' }),
      });
    }
  }
  return jsonMap({ parallelism: count, completions: count });
}

const UNITS = ['PiB', 'TiB', 'GiB', 'MiB', 'KiB', 'PB', 'TB', 'GB', 'MB', 'KB', 'B'];

function container(asked: Asked, slot: Bundle, image: string, report: Report): JsonMap {
  const { command, environment, jobspec } = asked;
  const requests = jsonMap({ cpu: String(slot.cores) });
  const limits = jsonMap();
  if (slot.memory !== null) {
    const bytes = bytesIn(slot.memory.amount, slot.memory.unit);
    const found = bytes === null ? null : (inUnits(bytes, UNITS) ?? roundedUp(bytes, UNITS));
    const text = found === null ? null : quantityText(found.amount, found.unit);
    if (text === null) report.dropped(null, 'memory', `Kubernetes knows no unit ${JSON.stringify(slot.memory.unit)}`);
    else requests['memory'] = text;
  }
  for (const { type, count, model } of slot.others) {
    if (model !== null) report.dropped(null, `${type} of model ${model}`, 'a pod is not asked for a model');
    const name = type === 'gpu' ? 'nvidia.com/gpu' : type;
    if (!/^[a-z0-9.-]+\/[\w.-]+$/i.test(name) || /\/gpu\b/.test(type) || Object.hasOwn(limits, name)) {
      report.dropped(
        null,
        `resources of type ${type}`,
        'Kubernetes names extended resources by a domain: example.com/name',
      );
    } else limits[name] = count;
  }
  const written = variables(
    environment,
    (name, value) => /^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name) && !value.includes('\0'),
    report,
  );
  return jsonMap({
    name: 'main',
    image,
    command: command.map(escapeReferences),
    ...(jobspec.cwd === null ? {} : { workingDir: jobspec.cwd }),
    ...(written.length === 0
      ? {}
      : { env: written.map(([name, value]) => jsonMap({ name, value: escapeReferences(value) })) }),
    resources: jsonMap({ requests, ...(Object.keys(limits).length > 0 ? { limits } : {}) }),
  });
}

interface Expression {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** null: labels cannot say it. */
function affinityOf(constraint: Constraint): Json | null {
  const terms = (constraint.op === 'or' ? constraint.of : [constraint]).map(termOf);
  const single = constraint.op === 'or' ? expressionOf(constraint) : null;
  const all = single === null ? terms : [[single]];
  if (all.length === 0 || all.includes(null)) return null;
  const nodeSelectorTerms = all.map((each) =>
    jsonMap({
      matchExpressions: each!.map((one) =>
        jsonMap({ ...one, ...(one.values === undefined ? {} : { values: [...one.values] }) }),
      ),
    }),
  );
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } };
}

function termOf(constraint: Constraint): readonly Expression[] | null {
  if (constraint.op === 'and') {
    const parts = constraint.of.map(termOf);
    return parts.length === 0 || parts.includes(null) ? null : parts.flatMap((part) => part!);
  }
  if (constraint.op === 'properties') {
    const parts = constraint.values.map((value) => propertyOf(value));
    return parts.length === 0 || parts.includes(null) ? null : parts.map((part) => part!);
  }
  const one = expressionOf(constraint);
  return one === null ? null : [one];
}

/** One expression: a property, alternatives of one key, hosts, or the opposite of one of these. */
function expressionOf(constraint: Constraint): Expression | null {
  switch (constraint.op) {
    case 'properties':
      return constraint.values.length === 1 ? propertyOf(constraint.values[0]!) : null;
    case 'hostlist':
      if (constraint.values.length === 0 || constraint.values.some((host) => /[[\],]/.test(host))) return null;
      return { key: 'kubernetes.io/hostname', operator: 'In', values: constraint.values };
    case 'or': {
      const parts = constraint.of.map(expressionOf);
      const [first] = parts;
      if (first === undefined || first === null || first.key === 'kubernetes.io/hostname') return null;
      const same = parts.every((part) => part !== null && part.operator === 'In' && part.key === first.key);
      return same ? { key: first.key, operator: 'In', values: parts.flatMap((part) => part!.values ?? []) } : null;
    }
    case 'not': {
      const inner = constraint.of.length === 1 ? expressionOf(constraint.of[0]!) : null;
      if (inner?.operator === 'In') return { ...inner, operator: 'NotIn' };
      return inner?.operator === 'Exists' ? { key: inner.key, operator: 'DoesNotExist' } : null;
    }
    default:
      return null;
  }
}

const LABEL_KEY = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?\/)?[a-zA-Z0-9](?:[\w.-]{0,61}[a-zA-Z0-9])?$/;
const LABEL_VALUE = /^(?:[a-zA-Z0-9](?:[\w.-]{0,61}[a-zA-Z0-9])?)?$/;

function propertyOf(property: string): Expression | null {
  if (property.startsWith('^')) {
    const inner = propertyOf(property.slice(1));
    if (inner?.operator === 'In') return { ...inner, operator: 'NotIn' };
    return inner?.operator === 'Exists' ? { key: inner.key, operator: 'DoesNotExist' } : null;
  }
  const equals = property.indexOf('=');
  const key = equals < 0 ? property : property.slice(0, equals);
  if (!LABEL_KEY.test(key) || ['kubernetes.io/hostname', 'metadata.name'].includes(key)) return null;
  if (equals < 0) return { key, operator: 'Exists' };
  const value = property.slice(equals + 1);
  return LABEL_VALUE.test(value) ? { key, operator: 'In', values: [value] } : null;
}

/** What once stood in a Job stands there again. */
function putBack({ attributes }: Asked, job: JsonMap): void {
  const kept = attributes.peek('rainbow', 'kubernetes');
  if (!isMap(kept)) return;
  for (const [path, value] of Object.entries(kept)) {
    const keys = path.replaceAll(/\[(\d+)\]/g, '.$1').split('.');
    if (!/^(metadata|spec)\.[\w.[\]-]+$/.test(path) || !putAt(job, keys, value)) continue;
    attributes.take('rainbow', 'kubernetes', path);
  }
}

/** Into maps and lists that are there; false where there is no place for it. */
function putAt(root: JsonMap, keys: readonly string[], value: Json): boolean {
  let at: Json = root;
  for (const [i, key] of keys.entries()) {
    const last = i === keys.length - 1;
    if (Array.isArray(at)) {
      const next: Json | undefined = (at as Json[])[Number(key)];
      if (last || !isMap(next)) return false;
      at = next;
      continue;
    }
    if (!isMap(at)) return false;
    const next: Json | undefined = at[key];
    if (!last) {
      at = next !== undefined && next !== null && typeof next === 'object' ? (next as JsonMap) : (at[key] = jsonMap());
    } else if (isMap(next) && isMap(value)) {
      for (const [name, each] of Object.entries(value)) if (!Object.hasOwn(next, name)) next[name] = each;
    } else at[key] = value;
  }
  return true;
}

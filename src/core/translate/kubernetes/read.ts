/**
 * Kubernetes Jobs (`batch/v1`), YAML or JSON, one or several documents, to one jobspec each. A pod is a slot; pods
 * that run at the same time are slots beside each other; Indexed Jobs and Jobs with more completions than parallel
 * pods are arrays.
 */
import { invalid } from '../../errors.ts';
import { MOST_RETRIES } from '../../job/retry.ts';
import { DOCUMENT_LIMITS, readDocuments, type DocumentNode } from '../../jobspec/document.ts';
import {
  child,
  entries,
  items,
  kindOf,
  number,
  positive,
  required,
  text,
  wrong,
  boolean,
} from '../../jobspec/place.ts';
import type { Place } from '../../jobspec/place.ts';
import { readQuantity } from '../../jobspec/quantity.ts';
import { queueAndBank } from '../../jobspec/flags.ts';
import { readTime } from '../../jobspec/time.ts';
import type { ReadContext } from '../context.ts';
import { jsonMap, newDraft, writeDraft } from '../draft.ts';
import type { Draft, DraftVertex, Json } from '../draft.ts';
import { layOut, SLOT } from '../layout.ts';
import { Report } from '../report.ts';
import type { ReportLine } from '../report.ts';
import type { TranslatedJob } from '../slurm/read.ts';
import { carryField, Fields } from './fields.ts';
import type { Policy } from './fields.ts';
import { readPod } from './pod.ts';
import type { Pod } from './pod.ts';

const MOST_DOCUMENTS = 100;
/** Which label names the queue, as Kueue has it. */
export const QUEUE_LABEL = 'kueue.x-k8s.io/queue-name';
/** Begins the names that the server makes for those that have none. */
export const NO_NAME = 'rainbow-';
/** Keeps a name that Kubernetes does not allow. */
export const NAME_ANNOTATION = 'rainbow/name';

export interface KubernetesJobs {
  readonly jobs: readonly TranslatedJob[];
  /** Of what stood beside the Jobs. */
  readonly report: readonly ReportLine[];
}

/** Throws `invalid_input` with path, line and column. */
export function readKubernetes(source: string, context: ReadContext): KubernetesJobs {
  if (context.args.length > 0) throw invalid('arguments', 'a Kubernetes Job has its arguments in itself');
  if (context.overrides.nodes !== undefined)
    throw invalid('--nodes', 'a Kubernetes Job asks for pods, not for nodes; use --tasks');
  const documents = readDocuments(source, 'Kubernetes document', DOCUMENT_LIMITS, MOST_DOCUMENTS);
  const beside = new Report();
  const places = documents.flatMap((node) => findJobs({ node, path: '' }, beside, 0));
  if (places.length === 0) {
    const first = documents[0];
    const { line, column } = first?.at ?? { line: 1, column: 1 };
    const at = `line ${line}, column ${column}`;
    throw invalid(at, 'there is no Job of batch/v1 in it');
  }
  return { jobs: places.map((place) => readJob({ ...place, path: '' }, context)), report: beside.sorted() };
}

/** The Jobs themselves; Lists are opened, anything else is in the report. */
function findJobs(place: Place, report: Report, depth: number): readonly Place[] {
  if (place.node.kind !== 'map')
    throw wrongObject(place, `must be a map with apiVersion and kind, not ${kindOf(place)}`);
  const kindPlace = child(place, 'kind');
  if (kindPlace === null) throw wrongObject(place, '`kind` is missing, as in `kind: Job`');
  const kind = text(kindPlace);
  const version = child(place, 'apiVersion');
  const api = version === null ? '' : text(version);
  if (kind === 'Job') {
    if (api === 'batch/v1') return [place];
    throw wrongObject(version ?? place, `a Job is of apiVersion batch/v1, not ${JSON.stringify(api)}`);
  }
  const list = kind === 'List' || kind === 'JobList' ? child(place, 'items') : null;
  if (list !== null && depth < 4) {
    // The Jobs of a JobList need not say what they are.
    return items(list).flatMap((each) =>
      kind === 'JobList' && each.node.kind === 'map' && child(each, 'kind') === null
        ? [each]
        : findJobs(each, report, depth + 1),
    );
  }
  const why = kind === 'CronJob' ? 'nothing is run again by the clock; submit a Job' : 'only Jobs are submitted';
  report.dropped(place.node.at, `${kind} ${nameOf(place)}`.trim(), why);
  return [];
}

function wrongObject({ node }: Place, message: string): Error {
  return invalid(`line ${node.at.line}, column ${node.at.column}`, message);
}

function nameOf(place: Place): string {
  const metadata = child(place, 'metadata');
  const name = metadata === null ? null : child(metadata, 'name');
  return name === null ? '' : text(name);
}

const METADATA: Policy = { annotations: null, finalizers: null, labels: null, namespace: null };
const SERVER_SET = [
  'creationTimestamp',
  'deletionTimestamp',
  'generation',
  'managedFields',
  'ownerReferences',
  'resourceVersion',
  'selfLink',
  'uid',
];

const JOB: Policy = {
  managedBy: null,
  manualSelector: null,
  maxFailedIndexes: 'its other tasks go on, however many fail',
  podFailurePolicy: 'every failure counts alike',
  podReplacementPolicy: null,
  selector: null,
  successPolicy: 'it ends well only where every pod does',
  ttlSecondsAfterFinished: null,
};

function readJob(place: Place, context: ReadContext): TranslatedJob {
  const { overrides } = context;
  const report = new Report();
  const draft = newDraft();
  const top = new Fields(place);
  top.take('apiVersion');
  top.take('kind');
  const status = top.take('status');
  if (status !== null) report.noted(status.node.at, 'status', 'set by the server');
  readMetadata(top.take('metadata'), draft, overrides.name, report);
  const spec = child(place, 'spec');
  if (spec === null) throw wrongObject(place, '`spec` is missing: what the Job is');
  top.take('spec');
  const job = new Fields(spec);
  const template = new Fields(required(spec, 'template', 'the pod to run'));
  job.take('template');
  const mode = child(spec, 'completionMode');
  const indexed = mode !== null && text(mode) === 'Indexed' && overrides.tasks === undefined;
  const pod = readPod(required(template.place, 'spec', 'what the pod is'), indexed, draft, overrides, report);
  template.take('spec');
  template.rest({ metadata: null }, draft.rainbow, report);

  const pods = readPods(job, draft, overrides.tasks, report);
  Object.assign(draft.system, queueAndBank(overrides));
  readDeadline(job.take('activeDeadlineSeconds'), pod.deadline, draft, overrides.time, report);
  readRetries(job, draft, report);
  const suspend = job.take('suspend');
  if (suspend !== null && boolean(suspend)) {
    draft.rainbow['hold'] = true;
    report.kept(suspend.node.at, suspend.path, 'held');
  }
  job.rest(JOB, draft.rainbow, report);
  top.rest({}, draft.rainbow, report);
  if (pod.constraints.length > 0) {
    draft.system['constraints'] = pod.constraints.length === 1 ? pod.constraints[0]! : { and: pod.constraints };
  }
  const bundle = overridden(pod.bundle, context);
  draft.resources = layOut({ nodes: null, exclusive: false, slots: { total: pods }, bundle, beside: [] }).resources;
  draft.tasks = tasksOf(pod, draft);
  return { jobspec: writeDraft(draft), report: report.sorted() };
}

/** One container's variables are the job's; those of several are each task's own. */
function tasksOf({ containers }: Pod, draft: Draft): Draft['tasks'] {
  const [first] = containers;
  if (first !== undefined && containers.length === 1) {
    if (Object.keys(first.environment).length > 0) draft.system['environment'] = first.environment;
    return [{ command: first.command, slot: SLOT, count: { per_slot: 1 } }];
  }
  return containers.map(({ command, environment }) => ({
    command,
    slot: SLOT,
    count: { per_slot: 1 },
    ...(Object.keys(environment).length > 0 ? { environment } : {}),
  }));
}

function overridden(bundle: readonly DraftVertex[], { overrides }: ReadContext): readonly DraftVertex[] {
  const { cores, gpus, memory } = overrides;
  let all = bundle;
  const without = (type: string): readonly DraftVertex[] => all.filter((each) => each.type !== type);
  if (cores !== undefined) all = [{ type: 'core', count: cores }, ...without('core')];
  if (gpus !== undefined) all = [...without('gpu'), ...(gpus === 0 ? [] : [{ type: 'gpu', count: gpus }])];
  if (memory !== undefined) {
    const { amount, unit } = readQuantity(memory, '--memory');
    all = [...without('memory'), { type: 'memory', count: amount, unit }];
  }
  return all;
}

function readMetadata(place: Place | null, draft: Draft, override: string | undefined, report: Report): void {
  const named = (name: string): void => void (draft.system['job'] = jsonMap({ name }));
  if (override !== undefined) named(override);
  if (place === null) return;
  const metadata = new Fields(place);
  for (const key of SERVER_SET) {
    const found = metadata.take(key);
    if (found !== null) report.noted(found.node.at, found.path, 'set by the server');
  }
  const name = metadata.take('name');
  if (name !== null && override !== undefined)
    report.overridden(name.node.at, name.path, `the command line says --name ${override}`);
  else if (name !== null) {
    named(text(name));
    report.kept(name.node.at, name.path, 'its name');
  }
  const generated = metadata.take('generateName');
  if (generated !== null && text(generated) === NO_NAME)
    report.noted(generated.node.at, generated.path, 'it has no name');
  else if (generated !== null) carryField(generated, null, draft.rainbow, report);
  const labels = metadata.take('labels');
  const queue = labels === null ? null : child(labels, QUEUE_LABEL);
  if (labels !== null && queue !== null) {
    draft.system['queue'] = text(queue);
    report.carried(queue.node.at, queue.path, 'attributes.system.queue', null);
  }
  carryWithout(labels, QUEUE_LABEL, draft, report);
  const annotations = metadata.take('annotations');
  const real = annotations === null ? null : child(annotations, NAME_ANNOTATION);
  if (real !== null && override === undefined) {
    named(text(real));
    report.kept(real.node.at, real.path, 'its name');
  }
  carryWithout(annotations, NAME_ANNOTATION, draft, report);
  metadata.rest(METADATA, draft.rainbow, report);
}

/** Labels or annotations, but for one that means something here. */
function carryWithout(place: Place | null, key: string, draft: Draft, report: Report): void {
  if (place === null) return;
  const rest = entries(place).filter(([each]) => each !== key);
  if (rest.length === 0) return;
  const node: DocumentNode = {
    kind: 'map',
    at: place.node.at,
    entries: new Map(rest.map(([name, each]) => [name, each.node])),
  };
  carryField({ node, path: place.path }, null, draft.rainbow, report);
}

/** How many slots; arrays go to `attributes.rainbow.array`. */
function readPods(job: Fields, draft: Draft, override: number | undefined, report: Report): number {
  const parallelism = job.take('parallelism');
  const completions = job.take('completions');
  const mode = job.take('completionMode');
  if (mode !== null && !/^(Indexed|NonIndexed)$/.test(text(mode))) throw wrong(mode, 'must be Indexed or NonIndexed');
  const indexed = mode !== null && text(mode) === 'Indexed';
  if (override !== undefined) {
    for (const each of [parallelism, completions, mode]) {
      if (each !== null) report.overridden(each.node.at, each.path, `the command line says --tasks ${override}`);
    }
    return override;
  }
  const at = completions ?? parallelism ?? job.place;
  const paused = parallelism !== null && number(parallelism) === 0;
  if (paused) {
    draft.rainbow['hold'] = true;
    report.kept(parallelism.node.at, parallelism.path, 'held');
  }
  const most = parallelism === null || paused ? 1 : positive(parallelism);
  if (indexed && completions === null) throw wrong(job.place, 'an Indexed Job needs `completions`');
  if (completions === null) {
    if (most === 1) return said(1, [paused ? null : parallelism], report);
    report.altered(
      at.node.at,
      at.path,
      `${most} pods, all of which must end well`,
      'that one pod’s success ends them all cannot be said',
    );
    return most;
  }
  const count = positive(completions);
  if (!indexed && count <= most) {
    const all = [completions, paused ? null : parallelism];
    if (count === 1) return said(1, all, report);
    for (const each of all) {
      if (each !== null) report.narrowed(each.node.at, each.path, `${count} slots`, 'all of its pods start together');
    }
    return count;
  }
  const array: Record<string, Json> = { indices: count === 1 ? '0' : `0-${count - 1}` };
  if (most < count) array['limit'] = most;
  if (!indexed) array['indexed'] = false;
  draft.rainbow['array'] = jsonMap(array);
  for (const each of [completions, paused ? null : parallelism, mode]) {
    if (each !== null) report.kept(each.node.at, each.path, `an array of ${count} tasks`);
  }
  return 1;
}

function said(pods: number, places: readonly (Place | null)[], report: Report): number {
  for (const each of places) if (each !== null) report.kept(each.node.at, each.path, `${pods} pod`);
  return pods;
}

/** The shorter of the Job's and the pod's. */
function readDeadline(
  job: Place | null,
  pod: Place | null,
  draft: Draft,
  override: string | undefined,
  report: Report,
): void {
  const given = [job, pod].filter((each) => each !== null);
  if (override !== undefined) {
    draft.system['duration'] = readTime(override, '--time');
    for (const each of given) report.overridden(each.node.at, each.path, `the command line says --time ${override}`);
    return;
  }
  if (given.length === 0) return;
  const seconds = Math.min(...given.map(positive));
  draft.system['duration'] = seconds;
  for (const each of given) {
    if (number(each) === seconds) report.kept(each.node.at, each.path, `${seconds} s`);
    else report.overridden(each.node.at, each.path, `the other deadline, ${seconds} s, comes first`);
  }
}

/** Of an Indexed Job that says so each index by itself, as the tasks of an array are tried again here. */
function readRetries(job: Fields, draft: Draft, report: Report): void {
  const inAll = job.take('backoffLimit');
  const each = job.take('backoffLimitPerIndex');
  if (each !== null) {
    if (child(job.place, 'completionMode') === null || text(child(job.place, 'completionMode')!) !== 'Indexed') {
      throw wrong(each, 'is for Jobs with completionMode: Indexed');
    }
    if (inAll !== null)
      report.altered(inAll.node.at, inAll.path, 'no limit for all together', 'each of its tasks has its own limit');
  }
  const place = each ?? inAll;
  if (place === null) return;
  const limit = number(place);
  if (!Number.isInteger(limit) || limit < 0 || limit > 2 ** 31 - 1) throw wrong(place, 'must be a whole number from 0');
  if (limit > MOST_RETRIES) {
    draft.rainbow['retry'] = jsonMap({ limit: MOST_RETRIES });
    report.altered(place.node.at, place.path, `${MOST_RETRIES} times`, 'that is the most');
    return;
  }
  draft.rainbow['retry'] = jsonMap({ limit });
  const often = limit === 1 ? 'once' : `${limit} times`;
  // Kubernetes counts the failures of all its pods together.
  const isEach = each === null && draft.rainbow['array'] !== undefined;
  if (limit === 0) report.kept(place.node.at, place.path, 'it is not tried again');
  else if (isEach) {
    report.kept(
      place.node.at,
      place.path,
      `each of its tasks is tried again at most ${often}, where Kubernetes counts all together`,
    );
  } else report.kept(place.node.at, place.path, `it is tried again at most ${often}`);
}

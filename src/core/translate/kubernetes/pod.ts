/** The pod of a Job: its containers become tasks that share one slot, for a pod is on one node. */
import { checkImage } from '../../image/reference.ts';
import { child, items, isNothing, required, text, wrong } from '../../jobspec/place.ts';
import type { Place } from '../../jobspec/place.ts';
import type { Overrides } from '../context.ts';
import type { Draft, DraftVertex, Json, JsonMap } from '../draft.ts';
import { jsonMap } from '../draft.ts';
import type { Report } from '../report.ts';
import { expand, readVariables, withIndex } from './environment.ts';
import { carryField, Fields } from './fields.ts';
import type { Policy } from './fields.ts';
import { readAffinity, readNodeSelector } from './nodes.ts';
import { PodNeeds } from './resources.ts';

export interface Pod {
  readonly bundle: readonly DraftVertex[];
  readonly containers: readonly Container[];
  readonly constraints: readonly Json[];
  /** `activeDeadlineSeconds` of the pod. */
  readonly deadline: Place | null;
}

export interface Container {
  readonly command: readonly string[];
  readonly environment: JsonMap;
}

const POD: Policy = {
  automountServiceAccountToken: null,
  dnsConfig: null,
  dnsPolicy: null,
  enableServiceLinks: null,
  ephemeralContainers: 'drop:nothing is added to a pod that runs',
  hostAliases: 'drop:the names that its hosts know are the cluster’s',
  hostIPC: 'it has no other’s IPC',
  hostNetwork: null,
  hostPID: 'it sees its own processes only',
  hostUsers: null,
  hostname: 'drop:its host keeps its own name',
  hostnameOverride: 'drop:its host keeps its own name',
  imagePullSecrets: 'no secret is shown to the registry',
  initContainers: 'drop:nothing runs before the task; do it in the task',
  overhead: null,
  preemptionPolicy: null,
  priority: null,
  priorityClassName: null,
  readinessGates: null,
  resourceClaims: 'drop:devices by claim are not asked for',
  runtimeClassName: 'it runs in the cluster’s own runtime',
  schedulerName: null,
  schedulingGates: 'it is not held',
  securityContext: 'it runs as its owner on that cluster',
  serviceAccount: 'it has no service account',
  serviceAccountName: 'it has no service account',
  setHostnameAsFQDN: 'drop:its host keeps its own name',
  shareProcessNamespace: null,
  subdomain: 'drop:its pods have no names in the network',
  terminationGracePeriodSeconds: null,
  tolerations: null,
  topologySpreadConstraints: 'its pods may lie anywhere',
  volumes: 'drop:volumes are not mounted; stage files, or use what the cluster has',
};

const CONTAINER: Policy = {
  envFrom: 'drop:config maps and secrets are not read; name variables with env',
  imagePullPolicy: null,
  lifecycle: 'drop:nothing runs at its start or end but the command',
  livenessProbe: null,
  ports: null,
  readinessProbe: null,
  resizePolicy: null,
  restartPolicy: null,
  restartPolicyRules: 'it is tried again as the Job says',
  securityContext: 'it runs as its owner on that cluster',
  startupProbe: null,
  stdin: null,
  stdinOnce: null,
  terminationMessagePath: null,
  terminationMessagePolicy: null,
  tty: null,
  volumeDevices: 'drop:volumes are not mounted',
  volumeMounts: 'drop:volumes are not mounted',
};

/** `indexed`: each pod has an index of its own. */
export function readPod(spec: Place, indexed: boolean, draft: Draft, overrides: Overrides, report: Report): Pod {
  const pod = new Fields(spec);
  const list = required(spec, 'containers', 'what to run');
  pod.take('containers');
  const all = items(list);
  if (all.length === 0) throw wrong(list, 'lists no container');
  if (all.length > 100) throw wrong(list, 'lists more than 100 containers, which is the limit');
  const needs = new PodNeeds();
  const containers = all.map((each, index) => readContainer(each, index, indexed, needs, draft, overrides, report));
  needs.ofPod(pod.take('resources'), draft.rainbow, report);

  const constraints = [...readNodeSelector(pod.take('nodeSelector'), report)];
  constraints.push(...readAffinity(pod.take('affinity'), draft.rainbow, report));
  const node = pod.take('nodeName');
  if (node !== null) {
    constraints.push({ hostlist: [text(node)] });
    report.kept(node.node.at, node.path, 'only that host');
  }
  const os = pod.take('os');
  const isOther = os !== null && child(os, 'name') !== null && text(child(os, 'name')!) !== 'linux';
  if (os !== null)
    carryField(os, isOther ? 'it runs on what the cluster has, which is Linux' : null, draft.rainbow, report);
  const deadline = pod.take('activeDeadlineSeconds');
  const restart = pod.take('restartPolicy');
  if (restart !== null && text(restart) === 'Never')
    report.kept(restart.node.at, restart.path, 'a pod that failed is left');
  else if (restart !== null) carryField(restart, null, draft.rainbow, report);
  pod.rest(POD, draft.rainbow, report);
  return { bundle: needs.bundle(list, report), containers, constraints, deadline };
}

function readContainer(
  place: Place,
  index: number,
  indexed: boolean,
  needs: PodNeeds,
  draft: Draft,
  overrides: Overrides,
  report: Report,
): Container {
  const fields = new Fields(place);
  fields.take('name');
  needs.add(fields.take('resources'), draft.rainbow, report);
  const environment = readVariables(fields.take('env'), report);
  const image = fields.take('image');
  if (overrides.image !== undefined) {
    if (image !== null)
      report.overridden(image.node.at, image.path, `the command line says --image ${overrides.image}`);
    draft.user['image'] = checkImage(overrides.image, '--image');
  } else if (image !== null && (index === 0 || draft.user['image'] === text(image))) {
    draft.user['image'] = imageAt(image);
    report.kept(image.node.at, image.path, 'its image');
  } else if (image !== null) {
    report.altered(
      image.node.at,
      image.path,
      textOr(draft.user['image'], 'no image'),
      'a job has one image, that of the first container',
    );
  }
  const cwd = fields.take('workingDir');
  if (overrides.cwd !== undefined) {
    if (cwd !== null) report.overridden(cwd.node.at, cwd.path, `the command line says --cwd ${overrides.cwd}`);
    draft.system['cwd'] = overrides.cwd;
  } else if (cwd !== null && (index === 0 || draft.system['cwd'] === text(cwd))) {
    draft.system['cwd'] = text(cwd);
    report.kept(cwd.node.at, cwd.path, 'attributes.system.cwd');
  } else if (cwd !== null) {
    report.altered(
      cwd.node.at,
      cwd.path,
      textOr(draft.system['cwd'], 'the default'),
      'a job has one folder, that of the first container',
    );
  }
  const all = Object.assign(jsonMap(), environment, overrides.env);
  const command = readCommand(fields, place, all, indexed, report);
  fields.rest(CONTAINER, draft.rainbow, report);
  return { command, environment: all };
}

function textOr(value: Json | undefined, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

function imageAt(place: Place): string {
  const { line, column } = place.node.at;
  return checkImage(text(place), `${place.path} (line ${line}, column ${column})`);
}

/** `command` is the entry point and `args` what it is given; what the image itself would run is not known here. */
function readCommand(
  fields: Fields,
  place: Place,
  environment: JsonMap,
  indexed: boolean,
  report: Report,
): readonly string[] {
  const [command, args] = [fields.take('command'), fields.take('args')];
  const words = (list: Place | null): readonly string[] =>
    list === null || isNothing(list) ? [] : items(list).map(text);
  if (words(command).length === 0) {
    throw wrong(place, '`command` is missing: what an image runs by itself is not known here, so name the program');
  }
  report.kept(command!.node.at, command!.path, 'the program');
  if (args !== null && !isNothing(args)) report.kept(args.node.at, args.path, 'what it is given');
  const written = [...words(command), ...words(args)];
  const byShell = indexed ? withIndex(written, environment) : null;
  if (byShell !== null) {
    const why = '/bin/sh puts $(JOB_COMPLETION_INDEX) in where the task runs';
    report.noted(command!.node.at, command!.path, why);
  }
  return byShell ?? written.map((word) => expand(word, environment));
}

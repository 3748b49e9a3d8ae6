/**
 * Every field of a Job of batch/v1 that is its writer's to set, down to the container, with a value. Source: the API
 * reference of Kubernetes 1.34. What asks for the same in a Job of several is beside it where it is needed.
 */
import type { Json } from '../../draft.ts';

const POD = 'spec.template.spec';
const CONTAINER = `${POD}.containers[0]`;
const PROBE: Json = { exec: { command: ['true'] } };
const AFFINITY: Json = { labelSelector: { matchLabels: { a: 'b' } }, topologyKey: 'zone' };

export const SAMPLES: Readonly<Record<string, Json>> = {
  'metadata.annotations': { note: 'x' },
  'metadata.finalizers': ['example.org/f'],
  'metadata.generateName': 'mine-',
  'metadata.labels': { app: 'x' },
  'metadata.name': 'mine',
  'metadata.namespace': 'default',

  'spec.activeDeadlineSeconds': 60,
  'spec.backoffLimit': 3,
  'spec.backoffLimitPerIndex': 1,
  'spec.completionMode': 'Indexed',
  'spec.completions': 4,
  'spec.managedBy': 'kueue.x-k8s.io/multikueue',
  'spec.manualSelector': true,
  'spec.maxFailedIndexes': 1,
  'spec.parallelism': 1,
  'spec.podFailurePolicy': { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }] },
  'spec.podReplacementPolicy': 'Failed',
  'spec.selector': { matchLabels: { a: 'b' } },
  'spec.successPolicy': { rules: [{ succeededIndexes: '0' }] },
  'spec.suspend': true,
  'spec.template.metadata': { labels: { a: 'b' } },
  'spec.ttlSecondsAfterFinished': 100,

  [`${POD}.activeDeadlineSeconds`]: 60,
  [`${POD}.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution`]: [
    { weight: 1, preference: { matchExpressions: [{ key: 'gpu', operator: 'Exists' }] } },
  ],
  [`${POD}.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`]: {
    nodeSelectorTerms: [{ matchExpressions: [{ key: 'gpu', operator: 'Exists' }] }],
  },
  [`${POD}.affinity.podAffinity`]: { requiredDuringSchedulingIgnoredDuringExecution: [AFFINITY] },
  [`${POD}.affinity.podAntiAffinity`]: { requiredDuringSchedulingIgnoredDuringExecution: [AFFINITY] },
  [`${POD}.automountServiceAccountToken`]: false,
  [`${POD}.dnsConfig`]: { nameservers: ['10.0.0.1'] },
  [`${POD}.dnsPolicy`]: 'Default',
  [`${POD}.enableServiceLinks`]: false,
  [`${POD}.ephemeralContainers`]: [{ name: 'debug', image: 'a' }],
  [`${POD}.hostAliases`]: [{ ip: '10.0.0.1', hostnames: ['a'] }],
  [`${POD}.hostIPC`]: true,
  [`${POD}.hostNetwork`]: true,
  [`${POD}.hostPID`]: true,
  [`${POD}.hostUsers`]: false,
  [`${POD}.hostname`]: 'me',
  [`${POD}.hostnameOverride`]: 'me',
  [`${POD}.imagePullSecrets`]: [{ name: 'mine' }],
  [`${POD}.initContainers`]: [{ name: 'first', image: 'a' }],
  [`${POD}.nodeName`]: 'node1',
  [`${POD}.nodeSelector`]: { disk: 'ssd' },
  [`${POD}.os`]: { name: 'linux' },
  [`${POD}.overhead`]: { cpu: '100m' },
  [`${POD}.preemptionPolicy`]: 'Never',
  [`${POD}.priority`]: 5,
  [`${POD}.priorityClassName`]: 'high',
  [`${POD}.readinessGates`]: [{ conditionType: 'a/b' }],
  [`${POD}.resourceClaims`]: [{ name: 'a', resourceClaimName: 'b' }],
  [`${POD}.resources`]: { requests: { cpu: '4' } },
  [`${POD}.restartPolicy`]: 'Never',
  [`${POD}.runtimeClassName`]: 'gvisor',
  [`${POD}.schedulerName`]: 'mine',
  [`${POD}.schedulingGates`]: [{ name: 'a/b' }],
  [`${POD}.securityContext`]: { runAsUser: 1000 },
  [`${POD}.serviceAccount`]: 'me',
  [`${POD}.serviceAccountName`]: 'me',
  [`${POD}.setHostnameAsFQDN`]: true,
  [`${POD}.shareProcessNamespace`]: true,
  [`${POD}.subdomain`]: 'mine',
  [`${POD}.terminationGracePeriodSeconds`]: 5,
  [`${POD}.tolerations`]: [{ key: 'a', operator: 'Exists' }],
  [`${POD}.topologySpreadConstraints`]: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }],
  [`${POD}.volumes`]: [{ name: 'a', emptyDir: {} }],

  [`${CONTAINER}.args`]: ['b'],
  [`${CONTAINER}.command`]: ['a'],
  [`${CONTAINER}.env`]: [{ name: 'A', value: 'b' }],
  [`${CONTAINER}.envFrom`]: [{ configMapRef: { name: 'a' } }],
  [`${CONTAINER}.image`]: 'a:1',
  [`${CONTAINER}.imagePullPolicy`]: 'Always',
  [`${CONTAINER}.lifecycle`]: { preStop: PROBE },
  [`${CONTAINER}.livenessProbe`]: PROBE,
  [`${CONTAINER}.name`]: 'main',
  [`${CONTAINER}.ports`]: [{ containerPort: 80 }],
  [`${CONTAINER}.readinessProbe`]: PROBE,
  [`${CONTAINER}.resizePolicy`]: [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }],
  [`${CONTAINER}.resources.claims`]: [{ name: 'a' }],
  [`${CONTAINER}.resources.limits`]: { cpu: '2' },
  [`${CONTAINER}.resources.requests`]: { cpu: '2' },
  [`${CONTAINER}.restartPolicy`]: 'Never',
  [`${CONTAINER}.restartPolicyRules`]: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }],
  [`${CONTAINER}.securityContext`]: { runAsUser: 1000 },
  [`${CONTAINER}.startupProbe`]: PROBE,
  [`${CONTAINER}.stdin`]: true,
  [`${CONTAINER}.stdinOnce`]: true,
  [`${CONTAINER}.terminationMessagePath`]: '/dev/log',
  [`${CONTAINER}.terminationMessagePolicy`]: 'File',
  [`${CONTAINER}.tty`]: true,
  [`${CONTAINER}.volumeDevices`]: [{ name: 'a', devicePath: '/dev/a' }],
  [`${CONTAINER}.volumeMounts`]: [{ name: 'a', mountPath: '/a' }],
  [`${CONTAINER}.workingDir`]: '/work',
};

/** Without these it means nothing, or may not be said. */
const BESIDE: Readonly<Record<string, Readonly<Record<string, Json>>>> = {
  'spec.backoffLimitPerIndex': { 'spec.completionMode': 'Indexed', 'spec.completions': 4 },
  'spec.completionMode': { 'spec.completions': 4 },
  'spec.maxFailedIndexes': { 'spec.completionMode': 'Indexed', 'spec.completions': 4 },
  'spec.successPolicy': { 'spec.completionMode': 'Indexed', 'spec.completions': 4 },
};

/** A Job with that field. */
export function jobWith(path: string, value: Json): Json {
  const job: Json = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    spec: { template: { spec: { containers: [{ command: ['a'] }] } } },
  };
  for (const [each, its] of Object.entries({ ...BESIDE[path], [path]: value })) put(job, each, its);
  return job;
}

function put(job: Json, path: string, value: Json): void {
  const keys = path.replaceAll(/\[(\d+)\]/g, '.$1').split('.');
  let at = job as Record<string, Json>;
  for (const key of keys.slice(0, -1)) at = (at[key] ??= {}) as Record<string, Json>;
  at[keys.at(-1)!] = value;
}

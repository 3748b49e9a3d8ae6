/** Random Kubernetes documents: Jobs, Lists of them, and what only looks like one. */
import * as fc from 'fast-check';
import { spoilt } from './spoil.ts';
import { anything, mostly, record, scalar, small, texts, yaml } from './values.ts';

const quantity = fc.constantFrom<unknown>(
  '500m',
  1,
  2,
  '4Gi',
  '100M',
  '0',
  '1.5',
  '1e3',
  0.5,
  '12345678901',
  '1Ei',
  'lots',
);
const quantities = fc.dictionary(
  fc.constantFrom(
    'cpu',
    'memory',
    'nvidia.com/gpu',
    'amd.com/gpu',
    'rdma/hca',
    'ephemeral-storage',
    'hugepages-2Mi',
    'x',
  ),
  quantity,
  { maxKeys: 3, noNullPrototype: true },
);
const variables = fc.array(
  record(
    { name: mostly('A', 'B', '', 'a=b') },
    { value: scalar, valueFrom: fc.constant<unknown>({ fieldRef: { fieldPath: 'x' } }) },
  ),
  { maxLength: 3 },
);
const expression = record(
  {
    key: fc.constantFrom<unknown>('k', 'kubernetes.io/hostname', 'a/b'),
    operator: mostly('In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Is'),
  },
  { values: fc.array(fc.constantFrom<unknown>('a', 'b', 1), { maxLength: 2 }) },
);
const term = record(
  {},
  { matchExpressions: fc.array(expression, { maxLength: 2 }), matchFields: fc.array(expression, { maxLength: 1 }) },
);
const affinity = record(
  {},
  {
    nodeAffinity: record(
      {},
      {
        requiredDuringSchedulingIgnoredDuringExecution: record(
          { nodeSelectorTerms: fc.array(term, { maxLength: 2 }) },
          {},
        ),
        preferredDuringSchedulingIgnoredDuringExecution: anything,
      },
    ),
    podAffinity: fc.constant<unknown>({ requiredDuringSchedulingIgnoredDuringExecution: [{}] }),
  },
);
const container = record(
  { name: fc.constant<unknown>('c'), command: texts },
  {
    image: mostly('a:1', 'b c', ''),
    args: texts,
    env: variables,
    envFrom: anything,
    workingDir: mostly('/a', ''),
    resources: record({}, { requests: quantities, limits: quantities, claims: anything }),
    ports: anything,
    volumeMounts: anything,
    unknown: anything,
  },
);
const pod = record(
  { containers: fc.array(container, { minLength: 1, maxLength: 2 }) },
  {
    restartPolicy: fc.constantFrom<unknown>('Never', 'OnFailure'),
    nodeSelector: fc.constantFrom<unknown>({ a: 'b' }, { 'kubernetes.io/hostname': 'n' }),
    affinity,
    nodeName: mostly('n', 'n['),
    activeDeadlineSeconds: small,
    tolerations: anything,
    volumes: anything,
    initContainers: anything,
    securityContext: anything,
  },
);
const spec = record(
  { template: record({ spec: pod }, { metadata: anything }) },
  {
    parallelism: small,
    completions: small,
    completionMode: fc.constantFrom<unknown>('Indexed', 'NonIndexed'),
    backoffLimit: small,
    activeDeadlineSeconds: small,
    suspend: fc.boolean(),
    ttlSecondsAfterFinished: scalar,
    podFailurePolicy: anything,
  },
);
const job = record(
  {
    apiVersion: mostly('batch/v1', 'batch/v1beta1'),
    kind: mostly('Job', 'CronJob'),
    spec,
  },
  {
    metadata: record(
      {},
      {
        name: fc.constantFrom<unknown>('j', ''),
        generateName: fc.constantFrom<unknown>('g-', 'rainbow-'),
        labels: mostly({ app: 'x' }, 3),
        annotations: mostly({ 'rainbow/name': 'A b' }, [1]),
        uid: scalar,
      },
    ),
    status: anything,
  },
);
const documents = fc.oneof(
  { weight: 6, arbitrary: job.map((one) => [one]) },
  { weight: 1, arbitrary: fc.array(job, { maxLength: 3 }) },
  {
    weight: 1,
    arbitrary: fc.array(job, { maxLength: 2 }).map((items): unknown[] => [{ apiVersion: 'v1', kind: 'List', items }]),
  },
);

export const kubernetesDocuments = spoilt(
  fc
    .tuple(documents, fc.boolean())
    .map(([all, flow]) => all.map((one) => (flow ? JSON.stringify(one) : yaml(one, 0))).join('\n---\n')),
);

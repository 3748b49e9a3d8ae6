/** Jobspecs as objects, in the prototype's nextgen form and in RFC 14's, and the simple ones of its Go client. */
export type Resource = Readonly<Record<string, unknown>>;

export function nextgen(resources: Readonly<Record<string, Resource>>, more: Record<string, unknown> = {}): object {
  const key = Object.keys(resources)[0]!;
  return { version: 1, resources, tasks: [{ command: ['true'], resources: key }], ...more };
}

/** As the Go client writes `-n nodes -t tasks`. */
export function simple(nodes: number, tasks: number): object {
  const cores = tasks === 0 ? {} : { with: [{ type: 'core', count: tasks }] };
  return {
    version: 1,
    resources: {
      'task-resources': {
        type: 'rack',
        replicas: 1,
        label: 'app',
        with: [{ type: 'node', count: nodes, ...cores }],
      },
    },
    tasks: [{ command: ['true'], replicas: 1, resources: 'task-resources' }],
  };
}

export function rfc14(resources: readonly Resource[], slot = 'task'): object {
  return {
    version: 1,
    resources,
    tasks: [{ command: ['true'], slot, count: { per_slot: 1 } }],
    attributes: { system: { duration: 60 } },
  };
}

/** JSON is YAML. */
export const yaml = (jobspec: object): string => JSON.stringify(jobspec);

export const ONE_CORE = `version: 1
resources:
  one:
    type: node
    replicas: 1
    with:
    - type: core
      count: 1
tasks:
- command: [hostname]
  resources: one
`;

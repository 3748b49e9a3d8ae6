/** How large a job is, for `smallest`: the cores that it asks for at the least; where it names none, its vertices. */
import type { Jobspec, RequestVertex } from '../../core/jobspec/jobspec.ts';

export function sizeOf({ request }: Jobspec): number {
  const sum = (type: string | null): number =>
    request.groups.reduce((all, { vertices, simple }) => {
      if (simple !== null) return all + Math.max(simple.nodes, simple.tasks);
      return vertices.reduce((some, each) => some + count(each, type), all);
    }, 0);
  const cores = sum('core');
  return cores > 0 ? cores : sum(null);
}

function count(vertex: RequestVertex, type: string | null): number {
  // So much memory is one thing, not that many.
  const own = (vertex.unit === '' ? vertex.count.min : 1) * (vertex.replicas ?? 1);
  const inside = vertex.with.reduce((all, each) => all + count(each, type), 0);
  if (type !== null) return own * (vertex.type === type ? 1 : inside);
  return own * Math.max(1, inside);
}

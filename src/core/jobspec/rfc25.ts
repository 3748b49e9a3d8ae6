/**
 * RFC 25, jobspec version 1: the small subset of RFC 14 that every Flux takes. Its documents are read by `rfc14.ts`;
 * here is only what tells them apart. A valid RFC 14 jobspec is never refused for not being one of these.
 */
import type { Jobspec, RequestVertex } from './jobspec.ts';

/** slot > core[, gpu], or node > slot > core[, gpu]; fixed counts; one task, per_slot 1 or total; a duration. */
export function isRfc25(jobspec: Jobspec): boolean {
  const vertices = jobspec.request.groups[0]?.vertices ?? [];
  const top = vertices[0];
  const task = jobspec.tasks[0];
  if (top === undefined || vertices.length !== 1 || task === undefined || jobspec.tasks.length !== 1) return false;
  if (jobspec.walltime === null) return false;
  if (task.count.per === 'resource' || (task.count.per === 'slot' && task.count.n !== 1)) return false;
  const slot = top.type === 'node' && top.with.length === 1 ? top.with[0]! : top;
  return slot.type === 'slot' && isFixed(top) && isFixed(slot) && isBundle(slot.with);
}

function isBundle(bundle: readonly RequestVertex[]): boolean {
  const types = bundle.map((each) => each.type);
  const allowed = types.join() === 'core' || types.join() === 'core,gpu' || types.join() === 'gpu,core';
  return allowed && bundle.every((each) => isFixed(each) && each.with.length === 0);
}

function isFixed({ count, requires }: RequestVertex): boolean {
  return count.min === count.max && requires.length === 0;
}

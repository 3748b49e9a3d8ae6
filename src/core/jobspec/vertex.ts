/** What the resource vertices of all dialects have in common, and the limit on their number. */
import type { RequestVertex } from './jobspec.ts';
import { boolean, child, required, text, wrong } from './place.ts';
import type { Place } from './place.ts';
import { readRequires } from './requires.ts';

const MOST_VERTICES = 4096;

/** Counts the vertices of one jobspec. */
export class VertexBudget {
  private spent = 0;

  spend(place: Place): void {
    this.spent += 1;
    if (this.spent > MOST_VERTICES)
      throw wrong(place, `more than ${MOST_VERTICES} resource vertices, which is the limit`);
  }
}

export function readType(place: Place): string {
  const type = text(required(place, 'type', 'what kind of resource, as in `type: node`'));
  if (type === '' || type.length > 256) throw wrong(place, 'type must be 1 to 256 characters');
  return type;
}

/** The keys that mean the same in every dialect. */
export function readPlainKeys(place: Place): Pick<RequestVertex, 'unit' | 'exclusive' | 'requires' | 'label' | 'path'> {
  const unit = child(place, 'unit');
  const exclusive = child(place, 'exclusive');
  const requires = child(place, 'requires');
  const label = child(place, 'label');
  return {
    unit: unit === null ? '' : text(unit),
    exclusive: exclusive === null ? null : boolean(exclusive),
    requires: requires === null ? [] : readRequires(requires),
    label: label === null ? null : text(label),
    path: place.path,
  };
}

/** A slot is virtual: it bundles what stands in `with`, and nothing of the graph is chosen for the slot itself. */
export function checkSlot(vertex: RequestVertex, place: Place): void {
  if (vertex.with.length === 0) throw wrong(place, 'a slot bundles resources: `with` is missing or empty');
  if (vertex.requires.length > 0) {
    throw wrong(place, 'a slot is virtual and has no properties; put `requires` on a vertex inside it');
  }
}

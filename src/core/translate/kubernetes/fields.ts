/**
 * A map of a document, read key by key: what is never taken is seen at the end, so no key can be forgotten. What asks
 * for nothing that the job model holds is kept under `attributes.rainbow.kubernetes`, by its path.
 */
import type { DocumentNode } from '../../jobspec/document.ts';
import { child, entries, isNothing, text } from '../../jobspec/place.ts';
import type { Place } from '../../jobspec/place.ts';
import { jsonMap, under } from '../draft.ts';
import type { Json, JsonMap } from '../draft.ts';
import type { Report } from '../report.ts';

/** Per key: null to carry it; a text to carry it and say what a job does otherwise; `drop:` and why to drop it. */
export type Policy = Readonly<Record<string, string | null>>;

/** A `false` there says something. */
const TRUE_BY_ITSELF: ReadonlySet<string> = new Set([
  'automountServiceAccountToken',
  'enableServiceLinks',
  'hostUsers',
]);

export class Fields {
  readonly place: Place;
  readonly #taken = new Set<string>();

  constructor(place: Place) {
    this.place = place;
    // Says what stands there instead of a map.
    child(place, '');
  }

  /** The value; null where there is none. It counts as seen to from here on. */
  take(key: string): Place | null {
    this.#taken.add(key);
    return child(this.place, key);
  }

  takeText(key: string): string | null {
    const found = this.take(key);
    return found === null ? null : text(found);
  }

  /** Carries or drops what was not taken. */
  rest(policy: Policy, rainbow: JsonMap, report: Report): void {
    for (const [key, each] of entries(this.place)) {
      if (this.#taken.has(key) || (isNothing(each) && !TRUE_BY_ITSELF.has(key))) continue;
      const way = Object.hasOwn(policy, key) ? policy[key]! : 'drop:nothing here means the same';
      if (way !== null && way.startsWith('drop:')) report.dropped(each.node.at, each.path, way.slice(5));
      else carryField(each, way, rainbow, report);
    }
  }
}

export function carryField(place: Place, effect: string | null, rainbow: JsonMap, report: Report): void {
  under(rainbow, 'kubernetes')[place.path] = toJson(place.node);
  report.carried(place.node.at, place.path, 'attributes.rainbow.kubernetes', effect);
}

export function toJson(node: DocumentNode): Json {
  if (node.kind === 'list') return node.items.map(toJson);
  if (node.kind === 'scalar')
    return typeof node.value === 'number' && !Number.isFinite(node.value) ? node.text : node.value;
  const map = jsonMap();
  for (const [key, value] of node.entries) map[key] = toJson(value);
  return map;
}

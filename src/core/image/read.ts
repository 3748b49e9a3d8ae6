/**
 * A compatibility document (YAML or JSON) to the one model. The format is told by the shape, not by the media type:
 * two formats share one.
 *   - `compatibilities` with `rules`, in which expressions are a map by element: NFD v1alpha1
 *   - the same with expressions as a list, each with its `key`: ocifit-k8s
 *   - `compatibilities` as flat maps: ocifit
 *   - `kind: CompatibilitySpec`, or `compatibilities` with `attributes`: compspec
 *   - `attributes` alone: compat-lib
 */
import { readDocument } from '../jobspec/document.ts';
import { child, items, kindOf, text, wrong, type Place } from '../jobspec/place.ts';
import type { Compatibility } from './compatibility.ts';
import { Budget, COMPATIBILITY_LIMITS } from './limits.ts';
import { readCompatLib, readCompspec, readOcifit } from './read-attributes.ts';
import { readNfd } from './read-nfd.ts';
import { readOcifitK8s } from './read-ocifit-k8s.ts';

/** Throws `invalid_input` with path, line and column; `what` names the document where it cannot even be parsed. */
export function readCompatibility(document: string, what: string): Compatibility {
  return compatibilityAt({ node: readDocument(document, what, COMPATIBILITY_LIMITS), path: what });
}

/** As it stands inside of another document. */
export function compatibilityAt(place: Place): Compatibility {
  if (place.node.kind !== 'map') throw wrong(place, `must be a compatibility document, not ${kindOf(place)}`);
  const budget = new Budget();
  const list = child(place, 'compatibilities');
  if (list === null) {
    if (child(place, 'attributes') !== null) return readCompatLib(place, budget);
    if (child(place, 'images') !== null) {
      throw wrong(
        place,
        'is a manifest of images and artifacts: send it beside the job (--compatibility), or have the operator name it (images.manifest)',
      );
    }
    throw wrong(place, 'has neither `compatibilities` nor `attributes`: it is in none of the known formats');
  }
  const kind = child(place, 'kind');
  if (kind !== null && text(kind) !== 'CompatibilitySpec') {
    throw wrong(kind, `must be CompatibilitySpec, not ${kindOf(kind)}`);
  }
  const sets = items(list);
  const [first] = sets;
  if (first === undefined) throw wrong(list, 'lists nothing; leave the document out where the image needs nothing');
  if (kind !== null || sets.some((set) => has(set, 'attributes'))) return readCompspec(sets, budget);
  if (!sets.some((set) => has(set, 'rules'))) return readOcifit(sets, budget);
  return sets.some(hasKeyedExpressions) ? readOcifitK8s(sets, budget) : readNfd(place, sets, budget);
}

function has(place: Place, key: string): boolean {
  const { node } = place;
  if (node.kind !== 'map') throw wrong(place, `must be a map, not ${kindOf(place)}`);
  const value = node.entries.get(key);
  return value !== undefined && value.kind !== 'scalar';
}

/** Any of its `matchExpressions` as a list: with it, all of the document is meant so. */
function hasKeyedExpressions(set: Place): boolean {
  const rules = child(set, 'rules');
  return listed(rules).some((rule) =>
    listed(inside(rule, 'matchFeatures')).some((term) => inside(term, 'matchExpressions')?.node.kind === 'list'),
  );
}

function listed(place: Place | null): readonly Place[] {
  return place !== null && place.node.kind === 'list' ? items(place) : [];
}

function inside(place: Place, key: string): Place | null {
  return place.node.kind === 'map' ? child(place, key) : null;
}

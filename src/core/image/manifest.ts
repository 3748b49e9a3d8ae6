/**
 * compspec's manifest, by which images are paired with the artifacts that say what they need, where nothing in the
 * registry does: `images: [{name, artifact}]`, both names of a registry.
 */
import { readDocument } from '../jobspec/document.ts';
import { child, items, kindOf, refuseMisspelt, required, text, wrong, type Place } from '../jobspec/place.ts';
import { COMPATIBILITY_LIMITS } from './limits.ts';

/** Names of artifacts by names of images, as they are written. */
export type Pairs = ReadonlyMap<string, string>;

/** Null: the document is another one. Throws `invalid_input` with path, line and column. */
export function readManifest(document: string, what: string): Pairs | null {
  const place: Place = { node: readDocument(document, what, COMPATIBILITY_LIMITS), path: what };
  const list = place.node.kind === 'map' ? child(place, 'images') : null;
  if (list === null) return null;
  refuseMisspelt(place, ['images']);
  const pairs = new Map<string, string>();
  for (const pair of items(list)) {
    if (pair.node.kind !== 'map') throw wrong(pair, `must be a map of name and artifact, not ${kindOf(pair)}`);
    refuseMisspelt(pair, ['name', 'artifact']);
    const name = required(pair, 'name', 'the image');
    const artifact = required(pair, 'artifact', 'what says what it needs');
    const before = pairs.get(text(name));
    if (before !== undefined && before !== text(artifact)) {
      throw wrong(name, `${text(name)} is paired twice, with ${before} as well`);
    }
    pairs.set(text(name), text(artifact));
  }
  if (pairs.size === 0) throw wrong(list, 'lists no image');
  return pairs;
}

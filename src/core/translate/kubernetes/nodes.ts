/**
 * Which nodes: node selectors and required node affinity as RFC 31 constraints. A label `key: value` is the property
 * `key=value` of a node, that the label exists at all the property `key`; the host's name is a host list.
 */
import { child, entries, items, text, wrong } from '../../jobspec/place.ts';
import type { Place } from '../../jobspec/place.ts';
import type { Json, JsonMap } from '../draft.ts';
import type { Report } from '../report.ts';
import { counted } from '../counted.ts';
import { carryField, Fields } from './fields.ts';

const HOST = ['kubernetes.io/hostname', 'metadata.name'];

export function readNodeSelector(place: Place | null, report: Report): readonly Json[] {
  if (place === null) return [];
  const all = entries(place).map(([key, value]) => oneOf(key, [text(value)]));
  if (all.length > 0) report.kept(place.node.at, place.path, `nodes of ${counted(all.length, 'label')}`);
  return all;
}

export function readAffinity(place: Place | null, rainbow: JsonMap, report: Report): readonly Json[] {
  if (place === null) return [];
  const affinity = new Fields(place);
  const all: Json[] = [];
  const node = affinity.take('nodeAffinity');
  if (node !== null) {
    const fields = new Fields(node);
    const required = fields.take('requiredDuringSchedulingIgnoredDuringExecution');
    if (required !== null) {
      const terms = child(required, 'nodeSelectorTerms');
      const read = terms === null ? [] : items(terms).map((term) => readTerm(term, report));
      const known = read.filter((each) => each !== null);
      // Terms are alternatives: one that cannot be said would close a way that was open, so all of them fall.
      if (known.length === read.length && known.length > 0) {
        all.push(known.length === 1 ? known[0]! : { or: known });
        report.kept(required.node.at, required.path, 'a constraint on the nodes');
      }
    }
    fields.rest({ preferredDuringSchedulingIgnoredDuringExecution: null }, rainbow, report);
  }
  for (const [key, effect] of [
    ['podAffinity', 'it may run apart from those'],
    ['podAntiAffinity', 'it may run beside those'],
  ] as const) {
    const found = affinity.take(key);
    if (found !== null) {
      const hard = child(found, 'requiredDuringSchedulingIgnoredDuringExecution') !== null;
      carryField(found, hard ? effect : null, rainbow, report);
    }
  }
  affinity.rest({}, rainbow, report);
  return all;
}

/** null where a part of it cannot be said, which is in the report then. */
function readTerm(place: Place, report: Report): Json | null {
  const all: Json[] = [];
  let whole = true;
  for (const key of ['matchExpressions', 'matchFields']) {
    const list = child(place, key);
    for (const each of list === null ? [] : items(list)) {
      const read = readExpression(each);
      if (read === null) {
        report.dropped(each.node.at, each.path, 'numbers of labels are not compared');
        whole = false;
      } else all.push(read);
    }
  }
  if (!whole || all.length === 0) return whole ? { not: [] } : null;
  return all.length === 1 ? all[0]! : { and: all };
}

function readExpression(place: Place): Json | null {
  const keyPlace = child(place, 'key');
  const operatorPlace = child(place, 'operator');
  if (keyPlace === null || operatorPlace === null) throw wrong(place, 'needs `key` and `operator`');
  const key = text(keyPlace);
  const operator = text(operatorPlace);
  const list = child(place, 'values');
  const values = list === null ? [] : items(list).map(text);
  if (['In', 'NotIn'].includes(operator) && values.length === 0) throw wrong(place, `${operator} needs \`values\``);
  if (key === '') throw wrong(keyPlace, 'must not be empty');
  switch (operator) {
    case 'In':
      return oneOf(key, values);
    case 'NotIn':
      return { not: [oneOf(key, values)] };
    case 'Exists':
      return { properties: [key] };
    case 'DoesNotExist':
      return { not: [{ properties: [key] }] };
    case 'Gt':
    case 'Lt':
      return null;
    default:
      throw wrong(operatorPlace, 'must be In, NotIn, Exists, DoesNotExist, Gt or Lt');
  }
}

function oneOf(key: string, values: readonly string[]): Json {
  if (HOST.includes(key)) return { hostlist: values };
  const each = values.map((value): Json => ({ properties: [`${key}=${value}`] }));
  return each.length === 1 ? each[0]! : { or: each };
}

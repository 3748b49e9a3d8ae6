/**
 * The formats of flat attributes, which a node (or what is linked to it) must have: compspec, ocifit, compat-lib.
 * compspec's entries are parts of one demand, so they make one set; ocifit's are alternatives.
 */
import { child, entries, required, text, wrong, type Place } from '../jobspec/place.ts';
import { headOf, identityFields } from '../match/predicate.ts';
import type { Compatibility, CompatibilitySet, Term } from './compatibility.ts';
import { scalarText } from './expression.ts';
import type { Budget } from './limits.ts';

export function readCompspec(parts: readonly Place[], budget: Budget): Compatibility {
  const terms = parts.flatMap((part) => {
    budget.rule(part);
    const name = child(part, 'name');
    return readTerms(required(part, 'attributes', 'what it needs'), name === null ? '' : text(name), budget);
  });
  return { format: 'compspec', sets: [setOf(terms)] };
}

export function readOcifit(sets: readonly Place[], budget: Budget): Compatibility {
  return {
    format: 'ocifit',
    sets: sets.map((set) => {
      budget.set(set);
      return setOf(readTerms(set, '', budget));
    }),
  };
}

export function readCompatLib(document: Place, budget: Budget): Compatibility {
  const attributes = required(document, 'attributes', 'what it needs');
  return { format: 'compat-lib', sets: [setOf(readTerms(attributes, '', budget))] };
}

function readTerms(attributes: Place, prefix: string, budget: Budget): readonly Term[] {
  const found = entries(attributes);
  if (found.length === 0) throw wrong(attributes, 'has no attribute, so every node would match');
  return found.map(([key, value]) => {
    budget.expression(value);
    if (identityFields.has(headOf(key))) {
      throw wrong(value, `${key} tells vertices apart and says nothing of what they are like; ask for something else`);
    }
    if (value.node.kind !== 'scalar') throw wrong(value, 'an attribute is text, a number, true or false');
    return { on: 'attribute', keys: prefix === '' ? [key] : [key, `${prefix}.${key}`], value: scalarText(value) };
  });
}

function setOf(matchFeatures: readonly Term[]): CompatibilitySet {
  const rule = { name: '', vars: {}, varsTemplate: '', matchFeatures, matchAny: [] };
  return { weight: 0, tag: '', description: '', rules: [rule] };
}

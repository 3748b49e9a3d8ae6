/** ocifit-k8s: sets and rules as NFD's, but each expression names a label of the node, and stands in a list. */
import { child, items, refuseMisspelt, required, text, type Place } from '../jobspec/place.ts';
import type { Compatibility, CompatibilityRule, Term } from './compatibility.ts';
import { readExpression } from './expression.ts';
import type { Budget } from './limits.ts';
import { readRules, readSetFrame } from './read-nfd.ts';

export function readOcifitK8s(sets: readonly Place[], budget: Budget): Compatibility {
  return {
    format: 'ocifit-k8s',
    sets: sets.map((set) => ({
      ...readSetFrame(set, budget),
      rules: readRules(set, (rule) => readRule(rule, budget)),
    })),
  };
}

function readRule(place: Place, budget: Budget): CompatibilityRule {
  budget.rule(place);
  refuseMisspelt(place, ['matchFeatures']);
  const features = items(required(place, 'matchFeatures', 'which labels'));
  return {
    name: '',
    vars: {},
    varsTemplate: '',
    matchFeatures: features.flatMap((each) => readTerms(each, budget)),
    matchAny: [],
  };
}

function readTerms(place: Place, budget: Budget): readonly Term[] {
  refuseMisspelt(place, ['matchExpressions']);
  const list = child(place, 'matchExpressions');
  return (list === null ? [] : items(list)).map((each) => ({
    on: 'label',
    key: text(required(each, 'key', 'the label')),
    expression: readExpression(each, budget, ['key']),
  }));
}

/** Node Feature Discovery's image compatibility specification, v1alpha1. */
import { child, entries, items, kindOf, refuseMisspelt, required, text, wrong, type Place } from '../jobspec/place.ts';
import type { Compatibility, CompatibilityRule, CompatibilitySet, Term } from './compatibility.ts';
import { readExpression, scalarText } from './expression.ts';
import type { Budget } from './limits.ts';
import { checkTemplate } from './template.ts';

export function readNfd(document: Place, sets: readonly Place[], budget: Budget): Compatibility {
  const version = required(document, 'version', 'which version of the format it is, as in `version: v1alpha1`');
  if (text(version) !== 'v1alpha1') throw wrong(version, `must be v1alpha1, not ${kindOf(version)}`);
  return { format: 'nfd', sets: sets.map((set) => readSet(set, budget)) };
}

function readSet(place: Place, budget: Budget): CompatibilitySet {
  return { ...readSetFrame(place, budget), rules: readRules(place, (rule) => readRule(rule, budget)) };
}

/** Weight, tag and description, of either format that has them. */
export function readSetFrame(place: Place, budget: Budget): Omit<CompatibilitySet, 'rules'> {
  budget.set(place);
  refuseMisspelt(place, ['rules', 'weight', 'tag', 'description']);
  const weight = child(place, 'weight');
  const tag = child(place, 'tag');
  const description = child(place, 'description');
  return {
    weight: weight === null ? 0 : readWeight(weight),
    tag: tag === null ? '' : text(tag),
    description: description === null ? '' : text(description),
  };
}

export function readRules(set: Place, read: (rule: Place) => CompatibilityRule): readonly CompatibilityRule[] {
  const rules = items(required(set, 'rules', 'what a node must be like'));
  if (rules.length === 0)
    throw wrong(set, 'has no rule, so every node would match; leave the set out, or say what it needs');
  return rules.map(read);
}

function readWeight(place: Place): number {
  const { node } = place;
  if (node.kind !== 'scalar' || typeof node.value !== 'number' || !Number.isSafeInteger(node.value)) {
    throw wrong(place, `must be a whole number, not ${kindOf(place)}`);
  }
  return node.value;
}

function readRule(place: Place, budget: Budget): CompatibilityRule {
  budget.rule(place);
  refuseMisspelt(place, ['name', 'vars', 'varsTemplate', 'matchFeatures', 'matchAny']);
  const name = child(place, 'name');
  const vars = child(place, 'vars');
  const template = child(place, 'varsTemplate');
  const any = child(place, 'matchAny');
  if (template !== null) checkTemplate(text(template), template);
  const rule = {
    name: name === null ? '' : text(name),
    vars: vars === null ? {} : Object.fromEntries(entries(vars).map(([key, value]) => [key, scalarText(value)])),
    varsTemplate: template === null ? '' : text(template),
    matchFeatures: readTerms(child(place, 'matchFeatures'), budget),
    matchAny:
      any === null
        ? []
        : items(any).map((each) => {
            refuseMisspelt(each, ['matchFeatures']);
            return readTerms(required(each, 'matchFeatures', 'which features'), budget);
          }),
  };
  return rule;
}

function readTerms(place: Place | null, budget: Budget): readonly Term[] {
  return place === null ? [] : items(place).map((term) => readTerm(term, budget));
}

function readTerm(place: Place, budget: Budget): Term {
  // A term without expressions is work too.
  budget.expression(place);
  refuseMisspelt(place, ['feature', 'matchExpressions', 'matchName']);
  const feature = required(place, 'feature', 'which one, as in `feature: cpu.cpuid`');
  const name = text(feature).toLowerCase();
  if (!/^[^\s.]+\..+$/.test(name)) throw wrong(feature, `must be DOMAIN.NAME, as in cpu.cpuid, not ${kindOf(feature)}`);
  const expressions = child(place, 'matchExpressions');
  const matchName = child(place, 'matchName');
  return {
    on: 'feature',
    feature: name,
    expressions:
      expressions === null
        ? null
        : entries(expressions).map(([element, each]) => [element, readExpression(each, budget)] as const),
    name: matchName === null ? null : readExpression(matchName, budget),
  };
}

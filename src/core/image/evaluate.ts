/**
 * Is a node good for an image? A set matches where all its rules do, and of the sets that match the heaviest counts.
 * A rule is AND(matchFeatures) and, where there are any, OR(matchAny). Of a feature, flags and attributes are one union
 * in which each expression is looked up; where that fails, *one* instance must meet all expressions.
 * Compiled once, asked of every kind of node.
 */
import type { Compatibility, CompatibilityRule, CompatibilitySet, Term } from './compatibility.ts';
import { compileExpression, wordsOf, type ExpressionTest } from './expression.ts';
import { textOf, type NodeFeatures } from './features.ts';
import { compileTemplate } from './template.ts';
import { isObject, type JsonObject } from '../graph/json.ts';

export interface ImageTest {
  /** Weight of the heaviest set that matches; null: none does. */
  weight(of: NodeFeatures): number | null;
  /** For each set, in order, what of it fails, in words; empty: it matches. */
  failures(of: NodeFeatures): readonly (readonly string[])[];
}

export function compileCompatibility({ sets }: Compatibility): ImageTest {
  const compiled = sets.map((set) => ({ weight: set.weight, failing: compileSet(set) }));
  const heaviest = [...compiled].sort((a, b) => b.weight - a.weight);
  return {
    weight(of) {
      const found = heaviest.find(({ failing }) => failing(of).length === 0);
      return found === undefined ? null : found.weight;
    },
    failures: (of) => compiled.map(({ failing }) => failing(of)),
  };
}

/** The feature by which rules see those before them. */
const BACK_REFERENCE = 'rule.matched';

type Variables = Map<string, string>;
/** What fails, in words. */
type Failing = (of: NodeFeatures, before: Variables, matched: MatchedElements | null) => readonly string[];
type MatchedElements = Map<string, Map<string, ReadonlyMap<string, string>[]>>;

function compileSet({ rules }: CompatibilitySet): (of: NodeFeatures) => readonly string[] {
  const compiled = rules.map(compileRule);
  return (of) => {
    const variables: Variables = new Map();
    return compiled.flatMap((rule) => rule(of, variables));
  };
}

function compileRule(rule: CompatibilityRule): (of: NodeFeatures, variables: Variables) => readonly string[] {
  const all = rule.matchFeatures.map(compileTerm);
  const any = rule.matchAny.map((terms) => terms.map(compileTerm));
  const template = rule.varsTemplate === '' ? null : compileTemplate(rule.varsTemplate);
  const expand = (matched: MatchedElements | null, variables: Variables): void => {
    if (template === null || matched === null) return;
    for (const [name, value] of template.expand(matched) ?? []) variables.set(name, value);
  };
  const collector = (): MatchedElements | null => (template === null ? null : new Map());
  return (of, variables) => {
    const made: Variables = new Map();
    const matched = collector();
    const failed = all.flatMap((term) => term(of, variables, matched));
    if (any.length > 0) {
      const alternatives = any.map((terms) => {
        const elements = collector();
        const failing = terms.flatMap((term) => term(of, variables, elements));
        if (failing.length === 0) expand(elements, made);
        return failing;
      });
      if (alternatives.every((failing) => failing.length > 0)) {
        const said = alternatives.map((failing) => failing.join(' and '));
        failed.push(said.length === 1 ? (said[0] ?? '') : `one of (${said.join('; ')})`);
      }
    }
    if (failed.length > 0) return failed;
    expand(matched, made);
    for (const [name, value] of [...made, ...Object.entries(rule.vars)]) variables.set(name, value);
    return failed;
  };
}

function compileTerm(term: Term): Failing {
  if (term.on === 'feature') return compileFeature(term);
  if (term.on === 'label') {
    const test = compileExpression(term.expression);
    const words = `label ${wordsOf(term.key, term.expression)}`;
    const passesAbsent = term.expression.op === 'NotIn';
    return ({ labels }) => {
      const value = labels.get(term.key);
      return (value === undefined && passesAbsent) || test(value) ? [] : [words];
    };
  }
  const words = `attribute ${term.keys[0] ?? ''}=${term.value}`.slice(0, 200);
  return ({ metadata }) => (metadata.some((of) => hasAttribute(of, term.keys, term.value)) ? [] : [words]);
}

function hasAttribute(metadata: JsonObject, keys: readonly string[], value: string): boolean {
  return keys.some((key) => {
    const found = Object.hasOwn(metadata, key) ? metadata[key] : inside(metadata, key);
    if (found !== undefined && textOf(found) === value) return true;
    const attributes = metadata['attributes'];
    return isObject(attributes) && Object.hasOwn(attributes, key) && textOf(attributes[key]) === value;
  });
}

function inside(metadata: JsonObject, path: string): unknown {
  let value: unknown = metadata;
  for (const key of path.split('.')) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

interface Asked {
  readonly element: string;
  readonly test: ExpressionTest;
  readonly words: string;
  readonly isAbsent: boolean;
}

function compileFeature(term: Term & { readonly on: 'feature' }): Failing {
  const { feature } = term;
  const asked =
    term.expressions?.map(([element, expression]): Asked => ({
      element,
      test: compileExpression(expression),
      words: `${feature} ${wordsOf(element, expression)}`,
      isAbsent: expression.op === 'DoesNotExist',
    })) ?? null;
  const name = term.name === null ? null : compileExpression(term.name);
  const nameWords = term.name === null ? '' : `${feature} ${wordsOf('(name of an element)', term.name)}`;
  return (of, before, matched) => {
    const flags = of.flags.get(feature);
    // Nothing is matched against what does not exist yet.
    const given = feature === BACK_REFERENCE && before.size > 0 ? before : of.attributes.get(feature);
    const instances = of.instances.get(feature);
    if (flags === undefined && given === undefined && instances === undefined)
      return [`${feature} (not known of the node)`];
    const elements: ReadonlyMap<string, string>[] = [];
    if (asked !== null) {
      const failed = matchElements(asked, flags, given, elements);
      if (failed !== null && !matchInstances(asked, instances, elements)) {
        return failed.length > 0 ? failed : asked.map(({ words }) => words);
      }
    }
    if (name !== null && !matchNames(name, flags, given, instances, elements)) return [nameWords];
    if (matched !== null) keep(matched, feature, elements);
    return [];
  };
}

/** Null: all expressions hold on the union of flags and attributes. Else those that do not. */
function matchElements(
  asked: readonly Asked[],
  flags: ReadonlySet<string> | undefined,
  attributes: ReadonlyMap<string, string> | undefined,
  elements: ReadonlyMap<string, string>[],
): readonly string[] | null {
  if (flags === undefined && attributes === undefined) return [];
  const failed: string[] = [];
  const found: ReadonlyMap<string, string>[] = [];
  for (const { element, test, words, isAbsent } of asked) {
    const flag = flags?.has(element) === true ? null : undefined;
    const value = attributes?.get(element);
    const byFlag = flags !== undefined && test(flag);
    const byValue = attributes !== undefined && test(value);
    // Of absence both have to tell, where there are both.
    const isMatch = isAbsent
      ? (flags === undefined || byFlag) && (attributes === undefined || byValue)
      : byFlag || byValue;
    if (!isMatch) failed.push(words);
    else if (value !== undefined && byValue)
      found.push(
        new Map([
          ['Name', element],
          ['Value', value],
        ]),
      );
    else found.push(new Map([['Name', element]]));
  }
  if (failed.length > 0) return failed;
  elements.push(...found);
  return null;
}

function matchInstances(
  asked: readonly Asked[],
  instances: readonly ReadonlyMap<string, string>[] | undefined,
  elements: ReadonlyMap<string, string>[],
): boolean {
  const found = (instances ?? []).filter((instance) => asked.every(({ element, test }) => test(instance.get(element))));
  elements.push(...found);
  return found.length > 0;
}

function matchNames(
  test: ExpressionTest,
  flags: ReadonlySet<string> | undefined,
  attributes: ReadonlyMap<string, string> | undefined,
  instances: readonly ReadonlyMap<string, string>[] | undefined,
  elements: ReadonlyMap<string, string>[],
): boolean {
  const found: ReadonlyMap<string, string>[] = [];
  for (const name of flags ?? []) if (test(name)) found.push(new Map([['Name', name]]));
  for (const [name, value] of attributes ?? [])
    if (test(name))
      found.push(
        new Map([
          ['Name', name],
          ['Value', value],
        ]),
      );
  for (const instance of instances ?? []) if ([...instance.keys()].some((name) => test(name))) found.push(instance);
  elements.push(...found);
  return found.length > 0;
}

function keep(matched: MatchedElements, feature: string, elements: readonly ReadonlyMap<string, string>[]): void {
  const dot = feature.indexOf('.');
  const domain = feature.slice(0, dot);
  const name = feature.slice(dot + 1);
  let features = matched.get(domain);
  if (features === undefined) matched.set(domain, (features = new Map()));
  features.set(name, [...(features.get(name) ?? []), ...elements]);
}

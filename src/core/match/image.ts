/**
 * What an image needs (core/image), asked of node classes: does a node match at least one set, and where none does,
 * which feature failed on how many nodes. Evaluated once for all nodes that are alike.
 */
import type { Compatibility } from '../image/compatibility.ts';
import { compileCompatibility } from '../image/evaluate.ts';
import { featuresOf } from '../image/features.ts';
import type { Own } from './attributes.ts';
import type { Class } from './classes.ts';

export function imageTest(needs: Compatibility): (own: Own) => boolean {
  const test = compileCompatibility(needs);
  return (own) => test.weight(featuresOf(own)) !== null;
}

/** Words in one explanation, and sets that it speaks of. */
const MOST_FEATURES = 5;
const MOST_SETS = 3;

export interface ImageFailure {
  /** `the image needs cpu.cpuid AVX512F Exists: not on 3 of 4 nodes`. */
  readonly message: string;
  readonly nodes: number;
  readonly good: number;
}

/** Of the outermost nodes below `root`; null where all of them are good for the image. */
export function explainImage(needs: Compatibility, root: Class): ImageFailure | null {
  const test = compileCompatibility(needs);
  const failed = needs.sets.map(() => new Map<string, number>());
  let nodes = 0;
  let good = 0;
  for (const [own, count] of outermostNodes(root)) {
    nodes += count;
    const failures = test.failures(featuresOf(own));
    if (failures.some((failing) => failing.length === 0)) good += count;
    failures.forEach((failing, set) => {
      const known = failed[set];
      for (const words of new Set(failing)) known?.set(words, (known.get(words) ?? 0) + count);
    });
  }
  if (good === nodes) return null;
  const sets = failed.slice(0, MOST_SETS).map((counts, index) => {
    const most = [...counts].sort((a, b) => b[1] - a[1]);
    const said = most.slice(0, MOST_FEATURES).map(([words, count]) => `${words}: not on ${count} of ${nodes}`);
    if (most.length > MOST_FEATURES) said.push(`and ${most.length - MOST_FEATURES} more`);
    return failed.length === 1 ? said.join(', ') : `set ${nameOf(needs, index)}: ${said.join(', ')}`;
  });
  if (failed.length > MOST_SETS) sets.push(`and ${failed.length - MOST_SETS} more sets`);
  const has = `${good} of ${nodes} ${nodes === 1 ? 'node' : 'nodes'} ${good === 1 ? 'has' : 'have'} what the image needs`;
  return { message: `${has} (${sets.join('; or ')})`, nodes, good };
}

function nameOf({ sets }: Compatibility, index: number): string {
  const set = sets[index];
  return set === undefined || set.tag === '' ? String(index + 1) : JSON.stringify(set.tag.slice(0, 40));
}

function outermostNodes(root: Class): ReadonlyMap<Own, number> {
  const found = new Map<Own, number>();
  const visit = (of: Class, times: number): void => {
    if (!of.facts.types.has('node')) return;
    if (of.own.type === 'node') {
      found.set(of.own, (found.get(of.own) ?? 0) + times);
      return;
    }
    of.kids.forEach((kid, i) => visit(kid, times * (of.counts[i] ?? 0)));
  };
  visit(root, 1);
  return found;
}

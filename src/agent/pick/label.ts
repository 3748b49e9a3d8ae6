/**
 * `label`: jobs with these attributes alone. A key is the attribute's path below `attributes` (`system.queue`,
 * `user.team`), its value the attribute's as text.
 */
import { invalid } from '../../core/errors.ts';
import { readDocument, type DocumentNode } from '../../core/jobspec/document.ts';
import type { Pick } from './pick.ts';

export function byLabel(options: Readonly<Record<string, string>>): Pick {
  const wanted = Object.entries(options);
  if (wanted.length === 0) {
    throw invalid('--pick-option', 'label needs an attribute to look at, as in --pick-option system.queue=debug');
  }
  return {
    rank({ order }) {
      let attributes: DocumentNode | undefined;
      try {
        attributes = below(readDocument(order.jobspec, 'jobspec'), 'attributes');
      } catch {
        return 'its jobspec cannot be read here';
      }
      for (const [path, value] of wanted) {
        const found = path.split('.').reduce<DocumentNode | undefined>(below, attributes);
        const text = found?.kind === 'scalar' && found.value !== null ? String(found.value) : null;
        if (text === value) continue;
        return `only jobs with ${path}=${value} are taken; this one has ${text === null ? 'none' : text.slice(0, 60)}`;
      }
      return 0;
    },
  };
}

function below(node: DocumentNode | undefined, key: string): DocumentNode | undefined {
  return node?.kind === 'map' ? node.entries.get(key) : undefined;
}

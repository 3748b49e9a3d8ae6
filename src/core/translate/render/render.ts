/** A jobspec in the words of others; each with a report of what they have no word for. */
import { readJobspec } from '../../jobspec/read.ts';
import { renderFlux } from './flux.ts';
import { renderKubernetes } from './kubernetes.ts';
import type { Rendered } from './rendered.ts';
import { renderRfc14 } from './rfc14.ts';
import { renderSbatch } from './slurm.ts';

export type { Rendered } from './rendered.ts';

export const TARGETS = ['rfc14', 'sbatch', 'flux', 'kubernetes'] as const;
export type Target = (typeof TARGETS)[number];

/** `image`: for Kubernetes, where the jobspec names none. Throws `invalid_input` where it cannot be said at all. */
export function render(jobspec: string, target: Target, image: string | null): Rendered {
  const { dialect } = readJobspec(jobspec);
  if (target !== 'rfc14' && (dialect === 'nextgen' || dialect === 'experimental')) {
    // Others know no groups of replicas either: what RFC 14 can say of them is what is left to be said.
    const first = renderRfc14(jobspec);
    const second = render(first.text, target, image);
    return { text: second.text, report: [...first.report, ...second.report] };
  }
  switch (target) {
    case 'sbatch':
      return renderSbatch(jobspec);
    case 'flux':
      return renderFlux(jobspec);
    case 'kubernetes':
      return renderKubernetes(jobspec, image);
    default:
      return renderRfc14(jobspec);
  }
}

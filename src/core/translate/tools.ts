/**
 * What a script counts on that only one kind of cluster has: `srun`, `SLURM_…`, `flux run`. The script is not
 * changed; it is said, since the job may be placed where they are missing.
 */
import type { Report } from './report.ts';
import { shown } from './report.ts';

const TOOLS: readonly (readonly [RegExp, string])[] = [
  [/(?:^|[\s;&|(`])(srun|sbcast|sattach|scontrol)\b/, 'is there only on Slurm; --cluster says where the job may go'],
  [/\b(SLURM_(?!ARRAY_)\w+)/, 'is set only on Slurm'],
  [
    /(?:^|[\s;&|(`])(flux (?:run|submit|bulksubmit|batch|alloc|exec|resource|jobs|job|mini))\b/,
    'is there only on Flux; --cluster says where the job may go',
  ],
  [/\b(FLUX_(?:JOB(?!_CC\b)|TASK|URI)\w*)/, 'is set only on Flux'],
  [/\b(KUBERNETES_SERVICE_HOST)\b/, 'is set only on Kubernetes'],
];
const MOST = 20;

export function noteTools(script: string, report: Report): void {
  const seen = new Set<string>();
  let line = 0;
  for (const text of script.split('\n', 20_000)) {
    line += 1;
    if (/^\s*#/.test(text) || text.length > 10_000) continue;
    for (const [pattern, why] of TOOLS) {
      const found = pattern.exec(text);
      const name = found?.[1];
      if (name === undefined || seen.has(name) || seen.size >= MOST) continue;
      seen.add(name);
      report.noted({ line, column: found!.index + found![0].indexOf(name) + 1 }, shown(name, 40), why);
    }
  }
}

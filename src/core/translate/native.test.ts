import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { NO_CONTEXT } from './context.ts';
import { lostOn } from './native.ts';
import { translate } from './translate.ts';

const EXAMPLE = new URL('../../../examples/kubernetes/pi.yaml', import.meta.url);

test.each(['slurm', 'flux', 'process'])(
  'what is only kept of a Kubernetes Job is no loss where %s runs jobs',
  (runner) => {
    const text = readFileSync(EXAMPLE, 'utf8')
      .replace('metadata:', 'metadata:\n  namespace: team\n  labels: { app: pi }')
      .replace('spec:\n', 'spec:\n  ttlSecondsAfterFinished: 60\n')
      .replace('restartPolicy: Never', 'restartPolicy: OnFailure\n      tolerations: [{ operator: Exists }]')
      // Flux is not asked for memory: of that it says so itself.
      .replaceAll(', memory: 256Mi', '')
      .replace(/^ +image: .*$/m, '          imagePullPolicy: Always');
    const { jobs } = translate(text, 'kubernetes', { ...NO_CONTEXT, file: 'pi.yaml' });
    const jobspec = jobs[0]?.jobspec ?? '';
    for (const kept of [
      'namespace',
      'labels',
      'ttlSecondsAfterFinished',
      'tolerations',
      'imagePullPolicy',
      'OnFailure',
    ])
      expect(jobspec).toContain(kept);
    expect(lostOn(jobspec, runner, 'none')).toEqual([]);
  },
);

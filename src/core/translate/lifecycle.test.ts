import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { translate, type Form } from './translate.ts';
import { lifecycleOf, withoutLifecycle } from './lifecycle.ts';
import { lostOn } from './native.ts';
import { readJobspec } from '../jobspec/read.ts';
import { fluxJob } from './render/flux-job.ts';
import { render } from './render/render.ts';
import { obstacles } from './report.ts';
import { caseCount, caseSeed } from './testing/cases.ts';
import { jobspecs } from './testing/jobspecs.ts';

function read(text: string, form: Form) {
  const { jobs } = translate(text, form, { file: 'job.sh', args: [], environment: {}, overrides: {} });
  const [job] = jobs;
  return { ...lifecycleOf(job!.jobspec), inTheWay: obstacles(job!.report).map(({ what }) => what) };
}

test('sbatch: array, dependencies, times, hold and priority are asked for', () => {
  const script = `#!/bin/sh
#SBATCH -a 0-9,20-30:2%5 -d afterok:12:13,afterany:7 -H -b now+1hour --deadline=2030-01-31T12:00:00Z --priority=40 --nice=3
true`;
  expect(read(script, 'sbatch')).toEqual({
    array: '0-9,20-30:2%5',
    dependencies: [
      { kind: 'afterok', on: '12' },
      { kind: 'afterok', on: '13' },
      { kind: 'afterany', on: '7' },
    ],
    begin: 'now+1hour',
    deadline: '2030-01-31T12:00:00Z',
    hold: true,
    priority: 37,
    inTheWay: [],
  });
});

test('what cannot be asked for stays in the way, and what can of it is asked for', () => {
  const script = `#!/bin/sh
#SBATCH -d afterok:12,aftercorr:13 -b 16:00 --deadline=2030-01-31
true`;
  expect(read(script, 'sbatch')).toMatchObject({
    dependencies: [{ kind: 'afterok', on: '12' }],
    begin: null,
    deadline: null,
    inTheWay: ['-d afterok:12,aftercorr:13'],
  });
  expect(read('#!/bin/sh\n#SBATCH -d afterok:1?afterok:2\ntrue', 'sbatch').dependencies).toEqual([]);
});

test('what is asked for beside the jobspec is in it no more: no scheduler does it a second time', () => {
  const script = `#!/bin/sh
#SBATCH -a 0-9%5 -d afterok:12 -H -b now+1hour --deadline=2030-01-31T12:00:00Z --nice=3 --licenses=matlab -J sweep -t 5
true`;
  const { jobs } = translate(script, 'sbatch', { file: 'job.sh', args: [], environment: {}, overrides: {} });
  const before = jobs[0]!.jobspec;
  const after = withoutLifecycle(before);
  expect(lifecycleOf(after)).toEqual({
    array: null,
    dependencies: [],
    begin: null,
    deadline: null,
    hold: false,
    priority: null,
  });
  const directives = render(after, 'sbatch', null)
    .text.split('\n')
    .filter((line) => line.startsWith('#SBATCH'));
  expect(directives).toEqual(['#SBATCH --job-name=sweep', '#SBATCH --time=00:05:00', '#SBATCH --licenses=matlab']);
  expect({ ...readJobspec(after), attributes: null }).toEqual({ ...readJobspec(before), attributes: null });
  expect(withoutLifecycle(after)).toBe(after);
});

test('a time without its zone keeps a job to clusters of Slurm', () => {
  const read = (begin: string): string =>
    translate(`#!/bin/sh\n#SBATCH --begin=${begin}\ntrue`, 'sbatch', {
      file: 'job.sh',
      args: [],
      environment: {},
      overrides: {},
    }).jobs[0]!.jobspec;
  for (const runner of ['slurm', 'flux', 'process']) {
    const lost = lostOn(withoutLifecycle(read('16:00')), runner).filter((line) => line.includes('16:00'));
    expect([runner, lost.length > 0]).toEqual([runner, runner !== 'slurm']);
    expect(lostOn(withoutLifecycle(read('now+1hour')), runner)).toEqual([]);
  }
});

test('of dependencies that are not all heeded, those on Rainbow’s own jobs are no cluster’s business', () => {
  const left = (given: string): string => {
    const script = `#!/bin/sh\n#SBATCH -d ${given}\ntrue`;
    const { jobs } = translate(script, 'sbatch', { file: 'job.sh', args: [], environment: {}, overrides: {} });
    const { text } = render(withoutLifecycle(jobs[0]!.jobspec), 'sbatch', null);
    return /#SBATCH --dependency=(.*)/.exec(text)?.[1] ?? '';
  };
  expect([left('afterok:12,aftercorr:13'), left('afterok:12,after:13,singleton')]).toEqual(['', '']);
  // Nothing of it is heeded: what names no job is Slurm's.
  expect(left('afterok:12?singleton')).toBe('singleton');
});

test('a start, with minutes, and a name are waited for', () => {
  const script = '#!/bin/sh\n#SBATCH -d after:12+5:13,singleton\ntrue';
  expect(read(script, 'sbatch')).toMatchObject({
    dependencies: [
      { kind: 'after', on: '12', minutes: 5 },
      { kind: 'after', on: '13' },
      { kind: 'singleton', on: '' },
    ],
    inTheWay: [],
  });
  const flux = '#!/bin/sh\n# flux: -n1 --dependency=after:12 --dependency=singleton\ntrue';
  expect(read(flux, 'flux')).toMatchObject({
    dependencies: [
      { kind: 'after', on: '12' },
      { kind: 'singleton', on: '' },
    ],
    inTheWay: [],
  });
  for (const wrong of ['afterok:12+5', 'after:12_3', 'after:1+1234567'])
    expect(read(`#!/bin/sh\n#SBATCH -d ${wrong}\ntrue`, 'sbatch').inTheWay).toEqual([`-d ${wrong}`]);
  // Each can be said in the other, but Flux has no minutes.
  const rendered = (text: string, from: 'sbatch' | 'flux', to: 'sbatch' | 'flux') => {
    const { jobs } = translate(text, from, { file: 'job.sh', args: [], environment: {}, overrides: {} });
    return render(jobs[0]!.jobspec, to, null);
  };
  expect(rendered(flux, 'flux', 'sbatch').text).toContain('--dependency=after:12,singleton\n');
  expect(rendered(script.replace('+5', ''), 'sbatch', 'flux').text).toContain(
    '--dependency=after:12 --dependency=after:13',
  );
  const lossy = rendered(script, 'sbatch', 'flux');
  expect(lossy.text).toContain(' --dependency=after:13 --dependency=singleton:');
  expect(lossy.text).not.toContain('system.dependencies');
  expect(lossy.report.map(({ outcome, what }) => [outcome, what])).toContainEqual([
    'dropped',
    'attributes.system.dependencies',
  ]);
});

test('a file that a script of Flux adds goes to clusters of Flux alone', () => {
  const script = "#!/bin/sh\n# flux: -n1\n# flux: --add-file=in.txt='''\n# flux: one\n# flux: two\n# flux: '''\ncat\n";
  const { jobs } = translate(script, 'flux', { file: 'job.sh', args: [], environment: {}, overrides: {} });
  const [{ jobspec, report }] = jobs as [(typeof jobs)[number]];
  expect(report.filter(({ what }) => what.startsWith('--add-file')).map(({ outcome }) => outcome)).toEqual([
    'narrowed',
  ]);
  expect(obstacles(report)).toEqual([]);
  const told = (runner: string): readonly string[] => lostOn(withoutLifecycle(jobspec), runner);
  expect(told('flux')).toEqual([]);
  for (const runner of ['process', 'slurm'])
    expect(told(runner)).toEqual(['--add-file=in.txt of Flux (that file is not put beside it)']);
  const { document } = fluxJob(jobspec);
  expect(document).toMatchObject({ attributes: { system: { files: { 'in.txt': { data: 'one\ntwo\n' } } } } });
});

test('Flux: urgency around 16, cc, dependencies one by one', () => {
  const script = `#!/bin/sh
# flux: -n1 --urgency=20 --dependency=afterany:4 --begin-time=+1h
true`;
  expect(read(script, 'flux')).toMatchObject({
    array: null,
    priority: 4,
    dependencies: [{ kind: 'afterany', on: '4' }],
    begin: '+1h',
    inTheWay: [],
  });
});

test('a Kubernetes Job with completions is an array, a suspended one is held', () => {
  const job = `apiVersion: batch/v1
kind: Job
metadata: {name: pi}
spec:
  completions: 5
  parallelism: 2
  completionMode: Indexed
  suspend: true
  template: {spec: {restartPolicy: Never, containers: [{name: a, image: x, command: [perl]}]}}`;
  expect(read(job, 'kubernetes')).toMatchObject({ array: '0-4%2', hold: true, dependencies: [], priority: null });
});

test('whatever jobspec: nothing that is asked for beside it is left, and nothing else of it is gone', () => {
  fc.assert(
    fc.property(jobspecs('sbatch'), (jobspec) => {
      const after = withoutLifecycle(jobspec);
      const { dependencies, ...times } = lifecycleOf(after);
      expect([dependencies, Object.values(times)]).toEqual([[], [null, null, null, false, null]]);
      expect(withoutLifecycle(after)).toBe(after);
      const held = (text: string): unknown => {
        const { request, tasks, environment, walltime, cwd, name } = readJobspec(text);
        return { request, tasks, environment, walltime, cwd, name };
      };
      expect(held(after)).toEqual(held(jobspec));
    }),
    { numRuns: caseCount(40), seed: caseSeed },
  );
});

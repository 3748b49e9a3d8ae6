/**
 * Every option that sbatch and Flux have, as their own help lists them, is known, and is in the report at its place,
 * whatever becomes of it.
 */
import { describe, expect, test } from 'vitest';
import { NO_CONTEXT } from './context.ts';
import { BATCH_OPTIONS, SUBMIT_OPTIONS } from './flux/options.ts';
import type { OptionKind } from './getopt.ts';
import { SBATCH_OPTIONS } from './slurm/options.ts';
import { translate, type Form } from './translate.ts';

/** `sbatch --help` of Slurm 22.05. */
const SBATCH =
  'account array bb bbf begin chdir cluster-constraint clusters comment constraint container contiguous core-spec cores-per-socket cpu-freq cpus-per-gpu cpus-per-task deadline delay-boot dependency distribution error exclude exclusive export export-file get-user-env gid gpu-bind gpu-freq gpus gpus-per-node gpus-per-socket gpus-per-task gres gres-flags help hold ignore-pbs input job-name licenses mail-type mail-user mcs-label mem mem-per-cpu mem-per-gpu mincpus nice no-kill no-requeue nodefile nodelist nodes ntasks ntasks-per-core ntasks-per-node ntasks-per-socket output overcommit oversubscribe parsable partition power priority profile propagate qos quiet reboot requeue reservation signal sockets-per-node spread-job switches thread-spec threads-per-core time time-min tmp uid usage use-min-nodes verbose version wait wckey wrap ';
/** `flux batch --help` and `flux submit --help` of flux-core 0.88. */
const FLUX_BATCH =
  'add-file bank begin-time broker-opts conf cores-per-slot cwd dependency dry-run dump env env-file env-remove exclusive flags gpus-per-slot help job-name list-plugins nodes nslots queue quiet requires resources-json resources-shape rlimit setattr setopt signal time-limit unbuffered urgency wrap ';
const FLUX_SUBMIT =
  'add-file bank bcc begin-time cc cores cores-per-task cwd dependency dry-run env env-file env-remove error exclusive flags gpus-per-node gpus-per-task help input job-name jps label-io list-plugins log log-stderr nodes ntasks output progress queue quiet requires resources-json resources-shape rlimit setattr setopt signal taskmap tasks-per-core tasks-per-node time-limit unbuffered urgency verbose wait wait-event watch ';

const names = (list: string): readonly string[] => list.trim().split(' ');
const known = (table: readonly OptionKind[]): readonly string[] => table.flatMap(({ long }) => long);

/** What an option is given where not anything will do. */
const VALUES: Readonly<Record<string, string>> = {
  array: '0-3',
  bcc: '0-3',
  begin: 'now+1hour',
  'begin-time': '+1h',
  cc: '0-3',
  'cores-per-task': '2',
  'cores-per-slot': '2',
  'cpus-per-gpu': '2',
  'cpus-per-task': '2',
  deadline: '2030-01-31T12:00Z',
  dependency: 'afterok:12',
  exclusive: 'user',
  export: 'NONE',
  gpus: '2',
  'gpus-per-node': '2',
  'gpus-per-slot': '1',
  'gpus-per-socket': '1',
  'gpus-per-task': '1',
  gres: 'gpu:1',
  mem: '4G',
  'mem-per-cpu': '1G',
  'mem-per-gpu': '1G',
  mincpus: '2',
  nodes: '2',
  nslots: '2',
  ntasks: '4',
  'ntasks-per-core': '1',
  'ntasks-per-gpu': '1',
  'ntasks-per-node': '2',
  'ntasks-per-socket': '1',
  'open-mode': 'append',
  'sockets-per-node': '1',
  time: '10',
  'time-limit': '10',
  'time-min': '5',
  'tres-per-task': 'cpu:2',
};
/** What it may not be without. */
const BESIDE: Readonly<Record<string, string>> = { 'gpus-per-socket': '#SBATCH --sockets-per-node=2\n' };

function written({ key, takes }: OptionKind, name: string): string {
  if (takes === 'nothing' || (takes === 'perhaps' && key !== 'exclusive')) return `--${name}`;
  return `--${name}=${VALUES[key] ?? 'x'}`;
}

/** What the report says at its place. */
function outcomes(form: Form, text: string, option: string): readonly string[] {
  const line = text.split('\n').findIndex((each) => each.includes(option)) + 1;
  const column = text.split('\n')[line - 1]!.indexOf(option) + 1;
  const { jobs } = translate(text, form, NO_CONTEXT);
  const said = jobs[0]!.report.filter((each) => each.line === line && each.column === column);
  return said.map(({ outcome }) => outcome);
}

describe('options of sbatch', () => {
  test('all are known', () =>
    expect(names(SBATCH).filter((each) => !known(SBATCH_OPTIONS).includes(each))).toEqual([]));

  test.each(SBATCH_OPTIONS.flatMap((kind) => kind.long.map((name) => [name, kind] as const)))('--%s', (name, kind) => {
    const option = written(kind, name);
    expect(outcomes('sbatch', `#!/bin/sh\n${BESIDE[name] ?? ''}#SBATCH ${option}\necho\n`, option)).not.toEqual([]);
  });
});

describe('options of Flux', () => {
  test('all are known', () => {
    expect(names(FLUX_BATCH).filter((each) => !known(BATCH_OPTIONS).includes(each))).toEqual([]);
    expect(names(FLUX_SUBMIT).filter((each) => !known(SUBMIT_OPTIONS).includes(each))).toEqual([]);
  });

  test.each(BATCH_OPTIONS.flatMap((kind) => kind.long.map((name) => [name, kind] as const)))(
    'batch --%s',
    (name, kind) => {
      const option = written(kind, name);
      expect(outcomes('flux', `#!/bin/sh\n# flux: -N1 -n2\n# flux: ${option}\necho\n`, option)).not.toEqual([]);
    },
  );

  test.each(SUBMIT_OPTIONS.flatMap((kind) => kind.long.map((name) => [name, kind] as const)))(
    'submit --%s',
    (name, kind) => {
      const option = written({ ...kind, takes: kind.key === 'exclusive' ? 'nothing' : kind.takes }, name);
      expect(outcomes('flux-command', `flux submit -N1 -n2 ${option} -- true\n`, option)).not.toEqual([]);
    },
  );

  test('short ones', () => {
    expect(outcomes('flux', '#!/bin/sh\n# flux: -N1\n# flux: -S user.a=1\necho\n', '-S')).not.toEqual([]);
  });
});

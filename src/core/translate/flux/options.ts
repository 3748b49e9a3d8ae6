/** Options of `flux batch` and `flux submit`. Source: flux-batch(1) and flux-submit(1) of flux-core 0.88. */
import { optionTable } from '../getopt.ts';

const BOTH = `
q queue=
B bank=
t time-limit=
urgency=
job-name=
o setopt=
S setattr=
add-file=
dependency=
requires=
begin-time=
env=
env-remove=
env-file=
rlimit=
input=
output=
error=
u unbuffered
l label-io
cwd=
flags=
signal=
dry-run
quiet
N nodes=
x exclusive
v verbose
resources-shape=
resources-json=
list-plugins
help[=]`;

export const BATCH_OPTIONS = optionTable(`${BOTH}
n nslots=
c cores-per-slot=
g gpus-per-slot=
broker-opts=
conf=
dump[=]
wrap
bg`);

export const SUBMIT_OPTIONS = optionTable(`${BOTH}
n ntasks|nslots=
c cores-per-task|cores-per-slot=
g gpus-per-task|gpus-per-slot=
cores=
tasks-per-node=
tasks-per-core=
gpus-per-node=
taskmap=
cc=
bcc=
log=
log-stderr=
wait-event=
wait
watch
progress
jps`);

/** Kept under `attributes.rainbow.flux`, not acted on; with a text where a job that runs without it runs otherwise. */
export const CARRIED: Readonly<Record<string, string | null>> = {
  'broker-opts': null,
  conf: null,
  dump: null,
  flags: null,
  'label-io': null,
  rlimit: null,
  signal: 'no signal warns it before its end',
  taskmap: null,
  unbuffered: null,
  urgency: null,
};

/** About the call, not about the job. */
export const OF_THE_CALL: readonly string[] = [
  'bg',
  'dry-run',
  'help',
  'jps',
  'list-plugins',
  'log',
  'log-stderr',
  'progress',
  'quiet',
  'verbose',
  'wait',
  'wait-event',
  'watch',
];

export const DROPPED: Readonly<Record<string, string>> = {
  'env-file': 'a file with rules is not read; name variables with --env',
  cores: 'resources are read by task alone: -n, -c, -g',
  'gpus-per-node': 'resources are read by task alone: -n, -c, -g',
  'tasks-per-core': 'resources are read by task alone: -n, -c, -g',
  'tasks-per-node': 'resources are read by task alone: -n, -c, -g',
  'resources-json': 'resources are read from -N, -n, -c and -g; submit that document with --jobspec',
  'resources-shape': 'resources are read from -N, -n, -c and -g',
  wrap: 'stands in a script, which is what is run',
};

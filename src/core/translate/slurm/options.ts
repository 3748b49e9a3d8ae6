/**
 * Every option of sbatch, and what becomes of those that ask for nothing the job model holds. Source: sbatch(1) of
 * Slurm 25.05; names that older versions had are read as what they are called now.
 */
import { optionTable } from '../getopt.ts';

export const SBATCH_OPTIONS = optionTable(`
A account=
acctg-freq=
a array=
batch=
bb=
bbf=
b begin=
D chdir|workdir=
cluster-constraint=
M clusters|cluster=
comment=
consolidate-segments
C constraint=
container=
container-id=
contiguous
S core-spec=
cores-per-socket=
cpu-freq=
cpus-per-gpu=
c cpus-per-task=
deadline=
delay-boot=
d dependency=
m distribution=
e error=
x exclude=
exclusive[=]
export=
export-file=
extra=
B extra-node-info=
get-user-env[=]
gid=
gpu-bind=
gpu-freq=
G gpus=
gpus-per-node=
gpus-per-socket=
gpus-per-task=
gres=
gres-flags=
h help
hint=
H hold
ignore-pbs
i input=
J job-name=
kill-on-invalid-dep=
L licenses=
mail-type=
mail-user=
mcs-label=
mem=
mem-bind=
mem-per-cpu=
mem-per-gpu=
mincpus=
network=
nice[=]
k no-kill[=]
no-requeue
F nodefile=
w nodelist=
N nodes=
n ntasks|tasks=
ntasks-per-core=
ntasks-per-gpu=
ntasks-per-node|tasks-per-node=
ntasks-per-socket=
oom-kill-step[=]
open-mode=
o output=
O overcommit
s oversubscribe|share
parsable
p partition=
power=
prefer=
priority=
profile=
propagate[=]
q qos=
Q quiet
reboot
requeue
reservation=
resv-ports[=]
segment=
signal=
sockets-per-node=
spread-job
stepmgr
switches=
test-only
thread-spec=
threads-per-core=
t time=
time-min=
tmp=
tres-bind=
tres-per-task=
uid=
usage
use-min-nodes
v verbose
V version
W wait
wait-all-nodes=
wckey=
wrap=
`);

/**
 * Kept under `attributes.rainbow.slurm`, not acted on. With a text where a job that runs without it runs otherwise.
 */
export const CARRIED: Readonly<Record<string, string | null>> = {
  'acctg-freq': null,
  batch: null,
  bb: 'no burst buffer is set up',
  bbf: 'no burst buffer is set up',
  'cluster-constraint': null,
  clusters: null,
  comment: null,
  'consolidate-segments': null,
  container: 'it runs outside that container',
  'container-id': null,
  contiguous: 'its nodes may lie apart',
  'core-spec': null,
  'cpu-freq': null,
  deadline: 'it may end after that',
  'delay-boot': null,
  distribution: null,
  extra: null,
  'get-user-env': null,
  'gpu-bind': null,
  'gpu-freq': null,
  'gres-flags': null,
  hint: null,
  'kill-on-invalid-dep': null,
  licenses: 'no licence is reserved',
  'mail-type': null,
  'mail-user': null,
  'mcs-label': null,
  'mem-bind': null,
  network: null,
  nice: null,
  'no-kill': null,
  'no-requeue': null,
  'ntasks-per-core': null,
  'ntasks-per-socket': null,
  'oom-kill-step': null,
  overcommit: null,
  oversubscribe: null,
  power: null,
  prefer: null,
  priority: null,
  profile: null,
  propagate: null,
  qos: null,
  reboot: 'its nodes are not rebooted',
  requeue: null,
  reservation: 'it does not run in that reservation',
  'resv-ports': null,
  segment: null,
  signal: 'no signal warns it before its end',
  'spread-job': null,
  stepmgr: null,
  switches: null,
  'thread-spec': null,
  'threads-per-core': null,
  'time-min': null,
  tmp: 'no space on local disks is asked for',
  'tres-bind': null,
  'use-min-nodes': null,
  'wait-all-nodes': null,
  wckey: null,
};

/** About the call of sbatch, not about the job. */
export const OF_THE_CALL: Readonly<Record<string, string>> = {
  help: 'of sbatch itself',
  'ignore-pbs': '#PBS lines are never read',
  parsable: 'rainbow has --json',
  quiet: 'of sbatch itself',
  'test-only': 'of sbatch itself; rainbow has --dry-run',
  usage: 'of sbatch itself',
  verbose: 'of sbatch itself',
  version: 'of sbatch itself',
  wait: 'of sbatch itself; rainbow submit has --wait',
};

/** Named, and not to be had. */
export const DROPPED: Readonly<Record<string, string>> = {
  'export-file': 'a file with variables is not read; name them with --export or --env',
  gid: 'a job runs as its owner on that cluster',
  nodefile: 'a file with nodes is not read; name them with --nodelist',
  uid: 'a job runs as its owner on that cluster',
  wrap: 'stands in a script, which is what is run',
};

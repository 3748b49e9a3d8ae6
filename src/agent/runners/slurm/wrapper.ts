/**
 * The batch script that is handed to sbatch: it claims, runs what the job runs, and writes how that ended to files that
 * the agent reads, so that the end is known without accounting, and after Slurm has forgotten the job. It holds all
 * that it needs (nothing but its directory is read from the shared file system). Pure.
 *
 * Invariant: link(2) makes the claim, so of two native jobs with one key (a controller that forgot, an answer that was
 * lost) at most one runs; the other leaves with 75. `end` appears by rename, whole.
 *
 * Files, in `run/` (of the job's user): claim.TASK.TRY, end.TASK.TRY, cannot.TASK.TRY, out.TASK, err.TASK. TASK is the
 * index in the array, else 0; TRY counts Slurm's own restarts of the job, which only a job that allows them has.
 */
import { imageWords, NO_CONTAINERS, pyxisOptions, type ContainerRuntime } from '../../../core/containers/run.ts';
import { carried, readShebang } from '../../../core/translate/carrier.ts';
import type { Asked } from '../../../core/translate/render/asked.ts';
import { slotsInAll } from '../../../core/translate/render/rendered.ts';
import { quote } from '../process/launch.ts';
import type { NativeName } from '../batch/key.ts';
import { arrayEnvironment, arrayEnvironmentOfOthers, filesEnvironment, keyText, type Order } from '../runner.ts';

/** The wrapper leaves with it where its directory is not there, or cannot be written. */
export const CANNOT_CLAIM = 74;
/** The wrapper leaves with it where another native job of the same key has the claim. */
export const CLAIMED = 75;

export interface Wrapped {
  readonly order: Order;
  readonly name: NativeName;
  readonly cluster: string;
  readonly asked: Asked;
  /** Absolute; on the file system that the nodes share. */
  readonly runDir: string;
  /** What runs images on the nodes; none where it is left out. */
  readonly containers?: ContainerRuntime;
}

export function wrapperScript({ order, name, cluster, asked, runDir, containers = NO_CONTAINERS }: Wrapped): string {
  const own = {
    RAINBOW_JOB_ID: order.jobId,
    RAINBOW_EPOCH: String(order.epoch),
    RAINBOW_JOB_NAME: order.name,
    RAINBOW_CLUSTER: cluster,
    RAINBOW_TASKS: String(slotsInAll(asked)),
    RAINBOW_JOB_DIR: runDir,
    ...arrayEnvironment(order.array),
    ...filesEnvironment(order),
  };
  const unset = [...new Set([...asked.jobspec.unset, ...asked.jobspec.tasks.flatMap((task) => task.unset)])];
  // In Slurm it is called by its key.
  const slurms = { SLURM_JOB_NAME: order.name, ...arrayEnvironmentOfOthers(order.array) };
  const exported = Object.entries({ ...slurms, ...asked.environment, ...own })
    .filter(([variable]) => /^[A-Za-z_]\w*$/.test(variable))
    .map(([variable, value]) => `export ${variable}=${quote(value)}`);
  // What a shell cannot export (a name with dots) is set by env.
  const strange = Object.entries(asked.environment).filter(([variable]) => !/^[A-Za-z_]\w*$/.test(variable));
  const env = strange.length === 0 ? [] : ['env', ...strange.map(([variable, value]) => quote(`${variable}=${value}`))];
  return [
    '#!/bin/sh',
    `# Rainbow job ${keyText(order)} on cluster ${cluster.replaceAll(/[^\x20-\x7e]/g, '?')} (docs/slurm.md)`,
    `rb_run=${quote(runDir)} rb_nonce=${name.nonce} rb_cwd=${quote(asked.jobspec.cwd ?? '')}`,
    HEAD,
    ...unset.filter((variable) => /^[A-Za-z_]\w*$/.test(variable)).map((variable) => `unset ${variable}`),
    ...exported,
    ...payload(asked, env, containers, order.sandbox === undefined ? [] : ['$RAINBOW_FILES']),
    ...(order.sandbox === undefined ? [] : [UNSEEN]),
    TAIL,
  ].join('\n');
}

const HEAD = String.raw`rb_task=${'$'}{SLURM_ARRAY_TASK_ID:-0} rb_try=${'$'}{SLURM_RESTART_COUNT:-0}
rb_at=$rb_task.$rb_try
# 1. Claim, exclusively. A controller that forgot a run starts it again with the same nonce: what that one wrote stays as it is.
rb_mine=$rb_run/claim.$rb_at.$rb_nonce.$$
printf 'nonce %s\njob %s\nhost %s\ncomplete\n' "$rb_nonce" "$SLURM_JOB_ID" "$(uname -n)" >"$rb_mine" || exit ${String(CANNOT_CLAIM)}
if ! ln "$rb_mine" "$rb_run/claim.$rb_at" 2>/dev/null; then
  rm -f "$rb_mine"
  echo "rainbow: another native job has claimed $rb_at already" >&2
  exit ${String(CLAIMED)}
fi
# The claim of one that ran may be gone, because the job is just being forgotten: then its order is, too.
if [ ! -e "$rb_run/../order.json" ]; then
  echo "rainbow: $rb_at is over" >&2
  exit ${String(CLAIMED)}
fi
rb_cannot=$rb_run/cannot.$rb_at
export rb_cannot rb_cwd
rb_status=
# 2. Run it. A stop is for what it runs; this shell stays to say how it ended.
trap 'rb_stopped=1' TERM INT HUP USR1 USR2 QUIT CONT`;

const TAIL = String.raw`# What runs behind a shell would lose its standard input.
exec 3<&0
rb_payload <&3 3<&- &
rb_pid=$!
while :; do
  rb_stopped=
  wait "$rb_pid"
  rb_status=$?
  [ -n "$rb_stopped" ] && kill -0 "$rb_pid" 2>/dev/null || break
done
# 3. How it ended. The search path may be one for the job's image alone.
printf 'status %s\ncomplete\n' "$rb_status" >"$rb_run/end.$rb_at.new" && PATH=/usr/bin:/bin:$PATH mv -f "$rb_run/end.$rb_at.new" "$rb_run/end.$rb_at"
exit "$rb_status"
`;

/** Slurm itself begins in /tmp where there is no such directory on the node. */
const ENTER = String.raw`case $rb_cwd in /*) cd -- "$rb_cwd" ;; ?*) false ;; esac 2>/dev/null || {
  printf "cannot enter the directory %s\n" "$rb_cwd" | PATH=/usr/bin:/bin:$PATH tee "$rb_cannot" >&2
  exit 126
}`;

/** Says why a program cannot start, where the agent finds it; then becomes it, which knows its rank if srun started it. */
const START = String.raw`RAINBOW_TASK_RANK=${'$'}{SLURM_PROCID:-0}
export RAINBOW_TASK_RANK
${ENTER}
case $1 in
*/*) [ -f "$1" ] && [ -x "$1" ] ;;
*) command -v -- "$1" >/dev/null 2>&1 ;;
esac || {
  printf "%s: there is no such program, or it is not executable\n" "$1" | tee "$rb_cannot" >&2
  exit 127
}
exec "$@"`;

const ALONE = 'export RAINBOW_TASK_RANK=0';

/** The files are where the agent is, and this node does not see them: then it is not run without them. */
const UNSEEN = String.raw`[ -d "$RAINBOW_FILES" ] || rb_payload() {
  printf 'the folder of its files, %s, is not there on node %s: the agent needs --sandboxes with a folder that the nodes see\n' "$RAINBOW_FILES" "$(uname -n)" | tee "$rb_cannot" >&2
  exit 127
}`;

/** `folders`: where its files are, besides its own and the one that it begins in. */
function payload(
  asked: Asked,
  env: readonly string[],
  containers: ContainerRuntime,
  folders: readonly string[],
): readonly string[] {
  const pyxis = pyxisOptions(asked.jobspec, containers, ['$PWD', '$rb_run', ...folders]);
  const image = imageWords(asked.jobspec, containers, Object.keys(asked.environment));
  // srun starts what is in an image of pyxis's, so the job's variables are set before it.
  const once = pyxis.length === 0 ? [...env, ...image.map(quote)] : [...env, 'srun --nodes=1 --ntasks=1', ...pyxis];
  const inside = asked.runs === 'once' ? carried(asked.command) : null;
  if (inside !== null) return script(inside.script, inside.args, once);
  const started = ['/bin/sh', '-c', START, 'rainbow', ...image, ...asked.command].map(quote);
  const tasks = slotsInAll(asked);
  // One task needs no srun: it has all of the allocation, on the node where this script runs.
  const launcher =
    asked.runs === 'once' || (asked.runs === 'each' && tasks === 1)
      ? []
      : [
          'srun',
          ...(asked.slot.cores > 1 ? [`--cpus-per-task=${asked.slot.cores}`] : []),
          ...(typeof asked.runs === 'object' ? [`--ntasks=${asked.runs.total}`] : []),
        ];
  // What is in an image is looked for there, by whoever starts it.
  const inPyxis = launcher.length === 0 ? once : [...env, ...launcher, ...pyxis];
  const words = (
    pyxis.length === 0 ? [...launcher, ...env, ...started] : [...inPyxis, ...asked.command.map(quote)]
  ).join(' ');
  const rank = launcher.length === 0 ? [ALONE] : [];
  return [...rank, payloadThat(words)];
}

function payloadThat(words: string): string {
  return `rb_payload() {\ntrap - TERM INT HUP USR1 USR2 QUIT CONT\n${ENTER}\nexec ${words}\n}`;
}

/** The user's own script is a file again, beside the claim: its interpreter may want one. */
function script(text: string, args: readonly string[], env: readonly string[]): readonly string[] {
  const { interpreter, option } = readShebang(text);
  let mark = 'END_OF_SCRIPT';
  while (text.split('\n').includes(mark)) mark += '_';
  const words = [
    ...env,
    quote(interpreter),
    ...(option === '' ? [] : [quote(option)]),
    '"$rb_script"',
    ...args.map(quote),
  ];
  return [
    ALONE,
    'rb_script=$rb_run/script.$rb_at',
    `PATH=/usr/bin:/bin:$PATH cat >"$rb_script" <<'${mark}' || exit 74`,
    text.endsWith('\n') ? text.slice(0, -1) : text,
    mark,
    'PATH=/usr/bin:/bin:$PATH chmod 700 "$rb_script"',
    payloadThat(words.join(' ')),
  ];
}

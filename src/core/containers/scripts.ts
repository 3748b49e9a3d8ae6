/**
 * How each runtime is started: a shell script that reads where it is when it runs, and then becomes the runtime. It is
 * given, in this order: as `$0` the runtime's program, the image as it spells it, names of variables, `--`, the command.
 * Nothing of a jobspec is in the text of a script. POSIX shell.
 *
 * What they have in common, as HPC users know it: the job's own user, the machine's network; the directory
 * in which the job begins, its own folder, that of its files, the home directory and /tmp are there under the same names,
 * writable; it begins in the same directory; the environment goes in, and what the job sets counts over the image's.
 */
import type { Runtime } from './runtimes.ts';

const HERE = String.raw`image=$1
shift
here=$(pwd -P) || exit 126
case $here in *:* | *,*)
  printf 'rainbow: a directory with ":" or "," in its name cannot be given to a container: %s\n' "$here" >&2
  exit 126 ;;
esac
command -v -- "$0" >/dev/null 2>&1 || {
  printf 'rainbow: %s: there is no such program on %s, and the image needs it\n' "$0" "$(uname -n)" >&2
  exit 127
}`;

/** Calls `give DIRECTORY` for each directory once. What is not there is left out. */
function directories(first: string): string {
  return String.raw`seen=:
for dir in ${first} "${'$'}{FLUX_JOB_TMPDIR:-}" "${'$'}{RAINBOW_FILES:-}" "${'$'}{RAINBOW_JOB_DIR:-}" "$here"; do
  dir=${'$'}{dir%/}
  case $dir in '' | *:* | *,*) continue ;; esac
  case $seen in *":$dir:"*) continue ;; esac
  [ -d "$dir" ] || continue
  seen=$seen$dir:`;
}

/** Home, /tmp, /var/tmp and the system's own files it mounts by itself. PATH is the image's unless the job sets one. */
function apptainer(prefix: string): string {
  return [
    HERE,
    String.raw`while [ "$1" != -- ]; do
  eval "export ${prefix}_$1=\"\$$1\""
  shift
done
shift
set -- "$image" "$@"`,
    directories(''),
    String.raw`  set -- --bind "$dir" "$@"
done
[ ! -e /dev/nvidiactl ] || set -- --nv "$@"
[ ! -e /dev/kfd ] || set -- --rocm "$@"
exec "$0" exec --pwd "$here" "$@"`,
  ].join('\n');
}

/**
 * A container of podman's is no child of its command. Stopping the command stops it; should the command be killed, a guard
 * in a session of its own, which looks once a second, removes what is left of it. Its cgroup is the job's, so that the batch system's
 * limits hold; nothing in it outlives its first process. That one would ignore signals that it does not handle, so podman's
 * own small init (catatonit) is the first where the machine has it.
 */
const PODMAN = [
  HERE,
  String.raw`names=
while [ "$1" != -- ]; do
  names="$names --env=$1"
  shift
done
shift
set -- "$image" "$@"`,
  directories(String.raw`/tmp "${'$'}{HOME:-}"`),
  String.raw`  set -- "--volume=$dir:$dir" "$@"
done
[ ! -d /dev/mqueue ] || set -- --ipc=host "$@"
for init in /usr/libexec/podman /usr/local/libexec/podman /usr/lib/podman /usr/local/lib/podman /usr/bin; do
  if [ -x "$init/catatonit" ]; then
    set -- --init "--init-path=$init/catatonit" "$@"
    break
  fi
done
name=rainbow-${'$'}{RAINBOW_JOB_ID:-0}-${'$'}{RAINBOW_EPOCH:-0}-$$
monitor=$(mktemp) || exit 125
alone=
! command -v setsid >/dev/null 2>&1 || alone=setsid
# Its standard output is not the job's: who waits for the end of that would wait for the guard, too.
$alone /bin/sh -c 'while kill -0 "$1" 2>/dev/null; do sleep 1; done
pid=$(cat "$2")
rm -f "$2"
[ -n "$pid" ] && kill -0 "$pid" 2>/dev/null || exit 0
exec "$0" rm --force --time=0 --ignore "$3"' "$0" $$ "$monitor" "$name" </dev/null >/dev/null 2>&1 &
exec "$0" --cgroup-manager=cgroupfs run --rm --interactive --log-driver=none "--name=$name" "--conmon-pidfile=$monitor" --network=host --userns=keep-id \
  --security-opt=label=disable --entrypoint= --env-host ${'$'}{HOME:+--env=HOME} $names "--workdir=$here" "$@"`,
].join('\n');

/** Fetches the image where it is not yet, one process at a time; /tmp it mounts by itself. */
const CHARLIECLOUD = [
  HERE,
  String.raw`while [ "$1" != -- ]; do shift; done
shift
USER=${'$'}{USER:-$(id -un)}
export USER
storage=${'$'}{CH_IMAGE_STORAGE:-/var/tmp/$USER.ch}
folder=$storage/img/$(printf %s "$image" | tr '/:' '%+')
if [ ! -d "$folder" ]; then
  builder=$(dirname -- "$(command -v -- "$0")")/ch-image
  flock -- "$storage.lock" /bin/sh -c '[ -d "$1" ] || "$2" --no-cache pull "$3"' sh "$folder" "$builder" "$image" >&2 || exit 125
fi
set -- "$image" -- "$@"
[ ! -f "$folder/ch/environment" ] || set -- --set-env "$@"`,
  directories(String.raw`"${'$'}{HOME:-}"`),
  String.raw`  case $dir in /tmp/*) continue ;; esac
  set -- "--bind=$dir:$dir" "$@"
done
exec "$0" "--storage=$storage" "--cd=$here" "$@"`,
].join('\n');

export const SCRIPTS: Readonly<Record<Exclude<Runtime, 'pyxis'>, string>> = {
  apptainer: apptainer('APPTAINERENV'),
  singularity: apptainer('SINGULARITYENV'),
  podman: PODMAN,
  charliecloud: CHARLIECLOUD,
};

/** The same to be shown: without what is looked up where it runs. */
export const SHOWN: Readonly<Record<Exclude<Runtime, 'pyxis'>, string>> = {
  apptainer: 'apptainer exec --pwd "$PWD" --bind "$PWD"',
  singularity: 'singularity exec --pwd "$PWD" --bind "$PWD"',
  podman:
    'podman run --rm --network=host --userns=keep-id --env-host --volume=/tmp:/tmp --volume="$HOME:$HOME" --volume="$PWD:$PWD" --workdir="$PWD"',
  charliecloud: 'ch-run --bind="$HOME:$HOME" --bind="$PWD:$PWD" --cd="$PWD"',
};

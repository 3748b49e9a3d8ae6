/**
 * How each runtime is started: a shell script that reads where it is when it runs, and then becomes the runtime. It is
 * given, in this order: as `$0` the runtime's program, the image as it spells it, names of variables, `--`, the command.
 * Nothing of a jobspec is in the text of a script. POSIX shell.
 *
 * What they have in common, as HPC users know it: the job's own user, the machine's network; the directory in which the
 * job begins, its own folder, that of its files, the home directory and /tmp are there under the same names, writable; it
 * begins in the same directory; the environment goes in, and what the job sets counts over the image's. The scripts' own
 * variables begin with rb_: a job's may have any other name.
 */
import type { Runtime } from './runtimes.ts';

const HERE = String.raw`rb_image=$1
shift
rb_here=$(pwd -P) || exit 126
case $rb_here in *:* | *,*)
  printf 'rainbow: a directory with ":" or "," in its name cannot be given to a container: %s\n' "$rb_here" >&2
  exit 126 ;;
esac
# A job's search path may be for its image alone; what starts the image needs that of the machine.
case :$PATH: in
*:/usr/bin:*) ;;
*) PATH=$PATH:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin ;;
esac
command -v -- "$0" >/dev/null 2>&1 || {
  printf 'rainbow: %s: there is no such program on %s, and the image needs it\n' "$0" "$(uname -n)" >&2
  exit 127
}`;

/** Begins a loop over the directories that are there, each once, as `rb_dir`. */
function directories(first: string): string {
  return String.raw`rb_seen=:
for rb_dir in ${first} "${'$'}{FLUX_JOB_TMPDIR:-}" "${'$'}{RAINBOW_FILES:-}" "${'$'}{RAINBOW_JOB_DIR:-}" "$rb_here"; do
  rb_dir=${'$'}{rb_dir%/}
  case $rb_dir in '' | *:* | *,*) continue ;; esac
  case $rb_seen in *":$rb_dir:"*) continue ;; esac
  [ -d "$rb_dir" ] || continue
  rb_seen=$rb_seen$rb_dir:`;
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
set -- "$rb_image" "$@"`,
    directories(''),
    String.raw`  set -- --bind "$rb_dir" "$@"
done
[ ! -e /dev/nvidiactl ] || set -- --nv "$@"
[ ! -e /dev/kfd ] || set -- --rocm "$@"
exec "$0" exec --pwd "$rb_here" "$@"`,
  ].join('\n');
}

/**
 * A container of podman's is no child of its command. Stopping the command stops it; should the command be killed, a guard
 * in a session of its own, which looks once a second, removes what is left of it. Its cgroup is the job's, so that the batch
 * system's limits hold; nothing in it outlives its first process. That one would ignore signals that it does not handle, so
 * podman's own small init (catatonit) is the first where the machine has it.
 */
const PODMAN = [
  HERE,
  String.raw`rb_names=
while [ "$1" != -- ]; do
  rb_names="$rb_names --env=$1"
  shift
done
shift
set -- "$rb_image" "$@"`,
  directories(String.raw`/tmp "${'$'}{HOME:-}"`),
  String.raw`  set -- "--volume=$rb_dir:$rb_dir" "$@"
done
[ ! -d /dev/mqueue ] || set -- --ipc=host "$@"
for rb_init in /usr/libexec/podman /usr/local/libexec/podman /usr/lib/podman /usr/local/lib/podman /usr/bin; do
  if [ -x "$rb_init/catatonit" ]; then
    set -- --init "--init-path=$rb_init/catatonit" "$@"
    break
  fi
done
rb_name=rainbow-${'$'}{RAINBOW_JOB_ID:-0}-${'$'}{RAINBOW_EPOCH:-0}-$$
rb_monitor=$(mktemp) || exit 125
rb_alone=
! command -v setsid >/dev/null 2>&1 || rb_alone=setsid
# Its standard output is not the job's: who waits for the end of that would wait for the guard, too.
$rb_alone /bin/sh -c 'while kill -0 "$1" 2>/dev/null; do sleep 1; done
pid=$(cat "$2")
rm -f "$2"
[ -n "$pid" ] && kill -0 "$pid" 2>/dev/null || exit 0
exec "$0" rm --force --time=0 --ignore "$3"' "$0" $$ "$rb_monitor" "$rb_name" </dev/null >/dev/null 2>&1 &
exec "$0" --cgroup-manager=cgroupfs run --rm --interactive --log-driver=none "--name=$rb_name" "--conmon-pidfile=$rb_monitor" \
  --network=host --userns=keep-id --security-opt=label=disable --entrypoint= --env-host ${'$'}{HOME:+--env=HOME} $rb_names "--workdir=$rb_here" "$@"`,
].join('\n');

/**
 * Fetches the image where it is not yet, one process at a time; /tmp it mounts by itself. What is mounted has to be a
 * directory of the image, too; later versions make one, on a layer in memory that is gone with the job.
 */
const CHARLIECLOUD = [
  HERE,
  String.raw`while [ "$1" != -- ]; do shift; done
shift
USER=${'$'}{USER:-$(id -un)}
export USER
rb_storage=${'$'}{CH_IMAGE_STORAGE:-/var/tmp/$USER.ch}
# Anybody can make a folder of that name in /var/tmp, and images in it: only one of his own is used.
rb_own() {
  [ -z "${'$'}{CH_IMAGE_STORAGE:-}" ] || return 0
  [ -e "$rb_storage" ] || [ -L "$rb_storage" ] || return 0
  [ ! -L "$rb_storage" ] && [ -O "$rb_storage" ] && return 0
  printf 'rainbow: %s is not a folder of %s, who has not made what is in it: name another with CH_IMAGE_STORAGE\n' "$rb_storage" "$(id -un)" >&2
  exit 125
}
rb_own
rb_folder=$rb_storage/img/$(printf %s "$rb_image" | tr '/:' '%+')
if [ ! -d "$rb_folder" ]; then
  rb_builder=$(dirname -- "$(command -v -- "$0")")/ch-image
  flock -- "$rb_storage.lock" /bin/sh -c '[ -d "$1" ] || "$2" --no-cache pull "$3"' sh "$rb_folder" "$rb_builder" "$rb_image" >&2 || exit 125
  rb_own
fi
set -- "$rb_image" -- "$@"
[ ! -f "$rb_folder/ch/environment" ] || set -- --set-env "$@"
rb_makes=
if "$0" --help 2>&1 | grep -q -e --write-fake; then
  rb_makes=1
  set -- --write-fake "$@"
fi`,
  directories(String.raw`"${'$'}{HOME:-}"`),
  String.raw`  case $rb_dir in /tmp/*) continue ;; esac
  # Of all of them it can do without its home, unless it begins there.
  [ "$rb_dir/" != "${'$'}{HOME%/}/" ] || [ "$rb_dir" = "$rb_here" ] || [ -n "$rb_makes" ] || [ -d "$rb_folder$rb_dir" ] || continue
  set -- "--bind=$rb_dir:$rb_dir" "$@"
done
exec "$0" "--storage=$rb_storage" "--cd=$rb_here" "$@"`,
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

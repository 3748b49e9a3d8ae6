/**
 * The shim: a POSIX shell script that runs one attempt of one job. It leads its own session, so it outlives its
 * agent; a shell with its walltime timer keeps well under 1 MiB to itself, where a Node process takes about 40.
 * It is text in a constant so that it is there after bundling too; `launch.ts` writes it beside each job.
 *
 * Invariants: no task starts before the claim is made (link(2): exclusive, and the content is there with the name) and
 * the agent has noted it where the job cannot reach it;
 * `end` appears by rename, whole, once every task has been waited for and what they left behind is dead; a process
 * is signalled only while it is shown to belong to this job (session, and the start time of the session's leader).
 *
 * Where it stops: a process that leaves its task's session (a daemon) is not followed. A task that exits with
 * 128 + n cannot be told from one that died of signal n: shells say the same for both.
 *
 * Files, in the current directory (`run/`): claim, out.RANK, err.RANK, cannot.RANK, end. Read: ../job.sh, ../stop, ../claimed.json;
 * `scratch/` is there.
 * `job.sh` sets job_id, job_epoch, boot, host, walltime, grace, tasks, own_sessions (the path of setsid, or nothing), directory, and
 * defines `task RANK`, which calls `launch PATH PROGRAM COMMAND…`.
 *
 * Leaves with 0 when `end` is written, 75 when the attempt was claimed already, 74 when it could not write or claim.
 */
export const SHIM_CLAIMED = 75;
export const SHIM_CANNOT_WRITE = 74;

export const SHIM = String.raw`# Rainbow's shim: runs one attempt of one job (docs/agent.md).
set -u
PATH=/usr/bin:/bin:/usr/sbin:/sbin:$PATH
export PATH
proc=/proc
wanted= interrupted= timer= others= pids= keys=' ' statuses= stopped=
trap 'interrupted=1; if [ -e ../stop ]; then wanted=stop; fi' TERM
trap 'interrupted=1; if [ -z "$wanted" ]; then wanted=time_limit; fi' ALRM
trap 'interrupted=1' HUP INT QUIT USR1 USR2
. ../job.sh

# State, group, session and start time of process $1, from /proc/PID/stat; what is before the last ")" is its name.
read_stat() {
  { IFS= read -r st_line <"$proc/$1/stat"; } 2>/dev/null || return 1
  st_line=${'$'}{st_line##*) }
  set -- $st_line
  [ $# -ge 20 ] || return 1
  st_state=$1 st_parent=$2 st_session=$4
  shift 19
  st_start=$1
}

start_of() {
  if [ -r "$proc/self/stat" ]; then
    read_stat "$1" && printf '%s' "$st_start"
  else
    set -- $(LC_ALL=C TZ=UTC ps -o lstart= -p "$1")
    printf '%s' "$*"
  fi
}

# Does session $1 still belong to one of our tasks? Its number is in use for as long as it has members.
our_session() {
  case " $pids " in *" $1 "*) ;; *) return 1 ;; esac
  read_stat "$1" || return 0
  case $keys in *" $1:$st_start "*) return 0 ;; esac
  return 1
}

# Living processes of this job, but for the shim itself, into "others".
members() {
  others=
  if [ -n "$own_sessions" ]; then
    for entry in "$proc"/[0-9]*; do
      candidate=${'$'}{entry##*/}
      read_stat "$candidate" || continue
      case $st_state in Z | X) continue ;; esac
      if [ "$st_parent" = $$ ]; then
        # A task that has not made its own session yet.
        case " $pids " in *" $candidate "*) others="$others $candidate"; continue ;; esac
      fi
      our_session "$st_session" && others="$others $candidate"
    done
  else
    while read -r candidate group state name; do
      [ "$group" = $$ ] && [ "$candidate" != $$ ] && [ "$candidate" != "$timer" ] || continue
      case $state in Z* | X*) continue ;; esac
      case $name in ps | */ps) continue ;; esac
      others="$others $candidate"
    done <<END_OF_LIST
$(ps -A -o pid= -o pgid= -o stat= -o comm=)
END_OF_LIST
  fi
}

tick() { sleep 0.1 2>/dev/null || sleep 1; }

kill_all() {
  round=0
  while members; [ -n "$others" ] && [ "$round" -lt 100 ]; do
    kill -KILL $others 2>/dev/null
    tick
    round=$((round + 1))
  done
}

no_timer() {
  [ -z "$timer" ] || kill -TERM "$timer" 2>/dev/null
}

# A TERM that comes while a shell is being forked is lost: it is sent until the timer is gone.
end_timer() {
  round=0
  while [ "$round" -lt 50 ] && no_timer && [ -n "$timer" ]; do
    if read_stat "$timer"; then
      case $st_state in Z | X) return ;; esac
    fi
    tick
    round=$((round + 1))
  done
}

# TERM, grace, KILL. A job that has ended by itself already keeps its real end.
halt() {
  members
  [ -n "$others" ] || return 0
  stopped=$wanted
  no_timer
  kill -TERM $others 2>/dev/null
  kill -CONT $others 2>/dev/null
  round=0
  while [ "$round" -lt $((grace * 10)) ]; do
    members
    [ -n "$others" ] || return 0
    tick
    round=$((round + 1))
  done
  kill_all
}

# Is there such a program? A name without a slash is looked for along the job's own path.
reachable() {
  case $2 in
  */*) [ -f "$2" ] && [ -x "$2" ] ;;
  *)
    IFS=:
    set -f
    for part in $1; do
      [ -f "${'$'}{part:-.}/$2" ] && [ -x "${'$'}{part:-.}/$2" ] && return 0
    done
    return 1
    ;;
  esac
}

cannot() {
  printf 'rainbow: %s\n' "$2" >&2
  printf '%s\n' "$2" >"cannot.$rank"
  exit "$1"
}

# launch PATH PROGRAM COMMAND…: becomes the task.
launch() {
  along=$1 program=$2
  shift 2
  # Looked at from inside a shell of its own: what cannot start is noted here, in the job's directory.
  ( cd -P -- "$directory" 2>/dev/null || exit 2; reachable "$along" "$program" )
  case $? in
  0) ;;
  2) cannot 126 "cannot enter the directory $directory" ;;
  *) cannot 127 "$program: there is no such program, or it is not executable" ;;
  esac
  # -P: by the name as it is, not from the root; the directories above may be closed to this user.
  cd -P -- "$directory"
  if [ -n "$own_sessions" ]; then exec "$own_sessions" "$@"; fi
  exec "$@"
}

# 1. Room for the end is kept from the start, so that a disk that fills up cannot swallow it.
rank=0 text=
while [ "$rank" -lt "$tasks" ]; do
  text="$text                        
"
  rank=$((rank + 1))
done
printf '%s                                                                \n' "$text" 2>/dev/null >"end.$$" || { rm -f "end.$$"; exit ${String(SHIM_CANNOT_WRITE)}; }

# 2. Claim, exclusively.
started_at=$(start_of $$)
claim="pid $$
start $started_at
boot $boot
host $host
complete"
printf '%s\n' "$claim" 2>/dev/null >"claim.$$" || { rm -f "claim.$$" "end.$$"; exit ${String(SHIM_CANNOT_WRITE)}; }
if ! ln "claim.$$" claim 2>/dev/null; then
  code=${String(SHIM_CANNOT_WRITE)}
  [ -e claim ] && code=${String(SHIM_CLAIMED)}
  rm -f "claim.$$" "end.$$"
  exit "$code"
fi
# One that is late may find the claim of the one that ran gone, because the job is just being forgotten: then job.sh,
# which goes before anything else, is not there any more.
if [ ! -e ../job.sh ]; then rm -f "end.$$"; exit ${String(SHIM_CLAIMED)}; fi
[ -e ../stop ] && wanted=stop
# What is in this directory the job may remove. So its agent notes the claim beside it, and no task begins before that: what
# has run never looks as if it had not. An agent that died here notes it when it is back.
round=0
while [ ! -e ../claimed.json ] && [ -z "$wanted" ]; do
  if [ ! -e ../job.sh ]; then rm -f "end.$$"; exit ${String(SHIM_CLAIMED)}; fi
  # Its agent looks within milliseconds, where there is one.
  if [ "$round" -lt 100 ]; then sleep 0.005 2>/dev/null || sleep 1; else tick; fi
  round=$((round + 1))
done

# 3. The walltime. Asked again each second: a signal that comes just before "wait" would be lost.
if [ "$walltime" -gt 0 ]; then
  (
    over= sleeper=
    trap 'over=1; if [ -n "$sleeper" ]; then kill -KILL "$sleeper" 2>/dev/null; fi' TERM
    trap - HUP INT QUIT USR1 USR2 ALRM
    sleep "$walltime" &
    sleeper=$!
    if [ -n "$over" ]; then kill -KILL "$sleeper"; fi
    wait "$sleeper"
    # A shim that was killed is not to have its pid signalled: it may be another's by now.
    while [ -z "$over" ] && [ "$(start_of $$)" = "$started_at" ]; do
      kill -ALRM $$
      sleep 1
    done
  ) </dev/null >/dev/null 2>&1 &
  timer=$!
fi

# 4. Start the tasks, each in a session of its own where the machine can: a task's "kill 0" is its own affair.
rank=0
while [ "$rank" -lt "$tasks" ] && [ -z "$wanted" ]; do
  (
    { true >>"out.$rank" && true >>"err.$rank"; } 2>/dev/null || exit 126
    exec </dev/null >>"out.$rank" 2>>"err.$rank"
    task "$rank"
  ) &
  pids="$pids $!"
  if [ -n "$own_sessions" ] && read_stat "$!"; then keys="$keys$!:$st_start "; fi
  rank=$((rank + 1))
done
started=$rank

# 5. Wait for every task; a trap breaks "wait" off, with a status over 128.
for pid in $pids; do
  while :; do
    if [ -n "$wanted" ] && [ -z "$stopped" ]; then halt; fi
    interrupted=
    wait "$pid"
    status=$?
    [ -n "$interrupted" ] || break
    [ "$status" -gt 128 ] || break
    kill -0 "$pid" 2>/dev/null || break
  done
  statuses="$statuses $status"
done
no_timer
if [ "$started" -lt "$tasks" ] && [ -z "$stopped" ]; then stopped=$wanted; fi

# 6. What the tasks left behind.
kill_all

# 7. The end, into the room that was kept; again until the disk takes it.
rank=0 text="cause ${'$'}{stopped:-exit}
"
for status in $statuses; do
  text="${'$'}{text}task $rank $status
"
  rank=$((rank + 1))
done
# Its job may have closed the directory, which then has a name only from outside, and what is in it.
{ [ -w . ] && [ -x . ]; } || chmod u+rwx "${'$'}{RAINBOW_JOB_DIR:-.}" 2>/dev/null
{ [ -r "end.$$" ] && [ -w "end.$$" ]; } || chmod u+rw "end.$$" 2>/dev/null
until printf '%scomplete\n' "$text" 1<>"end.$$" && mv -f "end.$$" end; do
  # Somebody removed the job's directory: there is nobody left to tell.
  [ -e claim ] || break
  sleep 2
done 2>/dev/null
end_timer
exit 0
`;

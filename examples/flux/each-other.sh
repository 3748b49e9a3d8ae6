#!/bin/sh
# Two Flux instances that submit to each other: a job in A submits one to B, and that one submits one to A. The last
# leaves a file, and its chain of clusters is printed. Needs flux and rainbow on the PATH; nothing outlives it.
#
#   examples/flux/each-other.sh
set -eu
dir=$(mktemp -d "${TMPDIR:-/tmp}/each-other.XXXXXX")
config=$dir/config.yaml
log=$dir/log
trap 'status=$?; for pid in $pids; do kill "$pid" 2>/dev/null || :; done; wait; [ $status = 0 ] || cat "$log" >&2; rm -rf "$dir"; exit $status' EXIT
trap 'exit 130' INT TERM
pids=
: >"$log"

# Until there is a line like that in the log, for a minute.
await() {
  tries=0
  until grep -q "$1" "$log"; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || { echo "never: $1" >&2; exit 1; }
    sleep 0.1
  done
}

# 1. A server.
rainbow config init --config-path "$config" >>"$log" 2>&1
rainbow serve --host 127.0.0.1:0 --db "$dir/rainbow.db" --secret orange >>"$log" 2>&1 &
pids="$pids $!"
await 'ready on'
host=$(sed -n 's/.*ready on \([^ ]*\).*/\1/p' "$log" | head -n 1)

# 2. Two instances, each with an agent for its initial program. Their keys and tokens go to one configuration.
for name in a b; do
  flux start rainbow agent --runner flux --cluster-name "$name" --register-secret orange \
    --host "$host" --config-path "$config" --state-dir "$dir/$name" >>"$log" 2>&1 &
  pids="$pids $!"
  await "agent of cluster $name"
done

# 3. From A to B, and back: each job is told where it is, and submits the next with the same words as anybody.
cat >"$dir/hop.sh" <<END
#!/bin/sh
chain=\$1\$RAINBOW_CLUSTER
case \$RAINBOW_CLUSTER\$1 in
  a) exec rainbow submit --host $host --config-path $config --cluster b -- sh $dir/hop.sh "\$chain > " ;;
  b*) exec rainbow submit --host $host --config-path $config --cluster a -- sh $dir/hop.sh "\$chain > " ;;
esac
echo "\$chain" >"$dir/chain"
END
rainbow submit --host "$host" --config-path "$config" --cluster a -- sh "$dir/hop.sh" ''
tries=0
until [ -s "$dir/chain" ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 900 ] || { echo 'never: the chain' >&2; exit 1; }
  sleep 0.1
done
cat "$dir/chain"
rainbow jobs --host "$host" --config-path "$config"

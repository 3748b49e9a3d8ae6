#!/bin/sh
#SBATCH --job-name=flux
#SBATCH --nodes=4
#SBATCH --exclusive
#SBATCH --time=04:00:00
#
# A Flux instance of your own over the nodes of a Slurm job, and a Rainbow agent in it: for as long as the job runs it is
# one more cluster, with Flux's scheduler instead of Slurm's. Nothing but sbatch is needed.
#
#   RAINBOW_HOST=server:50051 RAINBOW_SERVER_SECRET=orange sbatch examples/flux/in-slurm.sh
#
# The spool must be where all nodes see it, and so must your configuration of Rainbow.
set -eu
cluster=flux-$SLURM_JOB_ID
spool=${RAINBOW_SPOOL:-$HOME/.rainbow-spool/$cluster}
mkdir -p "$spool"

# Brokers find each other by PMI. Without it each would be an instance of its own: "size", below, sees to that.
mpi=$(srun --mpi=list 2>&1 | grep -qw pmi2 && echo --mpi=pmi2 || :)

# No job is to run into the end of this one: from then on there is maintenance. Waits until the agent has registered it.
end=$(squeue -h -j "$SLURM_JOB_ID" -o %e)
(
  until rainbow cluster maintenance "$cluster" --host "$RAINBOW_HOST" --from "$end" --for 8760h --reason 'its Slurm job ends'; do
    sleep 5
  done >"$spool/maintenance.log" 2>&1
) &
window=$!

# At the job's end, or by "scancel", Slurm ends the instance and then, after its KillWait, this script: in between the
# cluster is deleted, and what it had not begun goes elsewhere.
trap : TERM
# (Flux keeps the variables of Slurm from its initial program.)
export cluster spool nodes="$SLURM_JOB_NUM_NODES"
# shellcheck disable=SC2016
srun $mpi -N "$nodes" -n "$nodes" flux start sh -c '
  size=$(flux getattr size)
  [ "$size" = "$nodes" ] || { echo "an instance of $size nodes, not of $nodes: srun has no PMI that Flux knows" >&2; exit 1; }
  exec rainbow agent --runner flux --host "$RAINBOW_HOST" --cluster-name "$cluster" --state-dir "$spool/state" --spool "$spool/jobs"
' && status=0 || status=$?
kill "$window" 2>/dev/null || :
rainbow delete --host "$RAINBOW_HOST" --cluster-name "$cluster" || :
exit $status

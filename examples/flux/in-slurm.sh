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
# The spool must be where all nodes see it. Some Slurms want srun --mpi=pmi2.
set -eu
name=flux-$SLURM_JOB_ID
spool=${RAINBOW_SPOOL:-$HOME/.rainbow-spool/$name}
mkdir -p "$spool"

# No job is to run into the end of this one: from then on there is maintenance. Waits until the agent has registered it.
(
  end=$(squeue -h -j "$SLURM_JOB_ID" -o %e)
  until rainbow cluster maintenance "$name" --host "$RAINBOW_HOST" --from "$end" --for 8760h --reason 'its Slurm job ends' 2>/dev/null; do
    sleep 5
  done
) &

exec srun -N "$SLURM_JOB_NUM_NODES" -n "$SLURM_JOB_NUM_NODES" flux start \
  rainbow agent --runner flux --host "$RAINBOW_HOST" --cluster-name "$name" --state-dir "$spool/state" --spool "$spool/jobs"

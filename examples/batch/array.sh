#!/bin/bash
# A hundred runs, ten at a time, once another job has ended well.
#SBATCH -J sweep -a 0-99%10
#SBATCH --dependency=afterok:4711
#SBATCH --time=20 --mem-per-cpu=2G
#SBATCH --licenses=matlab:1 --mail-type=END --mail-user=ada@example.org
#SBATCH --partition=batch --account=physics --qos=normal

./sweep --run "$SLURM_ARRAY_TASK_ID"

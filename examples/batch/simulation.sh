#!/bin/bash
# Eight tasks of four cores over two nodes, for an hour and a half.
#SBATCH --job-name=simulation
#SBATCH --nodes=2 --ntasks-per-node=4
#SBATCH -c 4                      # cores of each task
#SBATCH --mem 64G -t 01:30:00
#SBATCH --constraint="intel&(ib|opa)"
#SBATCH --output=simulation-%j.out
#SBATCH --export=ALL,OMP_NUM_THREADS=4

set -e
echo "input: ${1:-none}"
if command -v srun >/dev/null; then
  srun ./simulate "$1"
else
  echo "no srun here: this is $(hostname)"
fi

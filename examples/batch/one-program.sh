#!/bin/sh
#SBATCH --ntasks=4 --time=5
exec srun -- hostname

#!/usr/bin/env python3
#SBATCH --job-name=train
#SBATCH --nodes=1 --ntasks=1 --cpus-per-task=8
#SBATCH --gres=gpu:a100:2
#SBATCH --mem=32G --time=2-12:00:00
#SBATCH --exclude=node[7-9]
import os
import sys

print("trained with", len(sys.argv) - 1, "arguments by", os.path.basename(sys.argv[0]))

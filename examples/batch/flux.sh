#!/bin/sh
# flux: -N2 -n8 -c4                 # eight slots over two nodes
# flux: --time-limit=90m
# flux: --job-name='''it's a "job"'''
# flux: --requires='ib & -old' --queue=batch
# Some data of my own:
# flux: --setattr=user.notes="""
# flux: line one
# flux:   line two
# flux: """
# flux: --env=OMP_NUM_THREADS=4

echo "running on $(hostname)"

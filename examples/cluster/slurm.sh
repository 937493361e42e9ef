#!/bin/bash
# A campaign on a Slurm cluster: a Ray head and the driver on the first node, workers on all.
#
#   sbatch examples/cluster/slurm.sh campaign.toml
#
# Submitted again after a time limit or a failure, it goes on where it was. Spikefront must be importable on every
# node (here: a virtual environment in a folder that nodes share). Data are read on the first node alone; the home
# lies where it outlives the job, and on a shared folder the store is PostgreSQL (SPIKEFRONT_STORE), since network
# file systems do not keep SQLite's locks.
#SBATCH --job-name=spikefront
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
##SBATCH --gpus-per-node=4
#SBATCH --time=24:00:00
set -euo pipefail

campaign=$1
: "${SPIKEFRONT_VENV:=$HOME/spikefront/.venv}"
: "${SPIKEFRONT_HOME:=$SLURM_SUBMIT_DIR/spikefront-home}"
export SPIKEFRONT_HOME
# One secret per job: Ray nodes of other users must not join, nor ours theirs.
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
RAY_AUTH_TOKEN=$(openssl rand -hex 24)
export RAY_AUTH_TOKEN
source "$SPIKEFRONT_VENV/bin/activate"

nodes=($(scontrol show hostnames "$SLURM_JOB_NODELIST"))
head=${nodes[0]}
address=$(getent ahostsv4 "$head" | awk 'NR == 1 { print $1 }')
port=$((20000 + SLURM_JOB_ID % 20000))
gpus=${SLURM_GPUS_ON_NODE:-0}

start_node() {  # start_node NODE ARGUMENTS...
    srun --nodes=1 --ntasks=1 --overlap --nodelist="$1" --export=ALL \
        ray start --num-cpus="$SLURM_CPUS_PER_TASK" --num-gpus="$gpus" --disable-usage-stats --block "${@:2}" &
}

start_node "$head" --head --node-ip-address="$address" --port="$port" --include-dashboard=false
until ray health-check --address "$address:$port" 2>/dev/null; do sleep 1; done
for node in "${nodes[@]:1}"; do
    start_node "$node" --address="$address:$port"
done

spikefront run "$campaign" --ray "$address:$port"

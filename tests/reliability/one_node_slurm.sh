#!/usr/bin/env bash
# A throw-away Slurm of one node, on the loopback address, without systemd, cgroups and accounting: Debian's packages, as root.
#
#   one_node_slurm.sh up DIR      start munged, slurmctld and slurmd; configuration, state and logs lie in DIR
#   one_node_slurm.sh down DIR    cancel all jobs, stop the daemons that `up` started, by their pid files
#
# The node claims 8 CPUs and 1 GPU, which it need not have: the GPU's device file is a stand-in like /dev/null.
set -euo pipefail

fail() {
  echo "one_node_slurm.sh: $1" >&2
  exit 1
}

# Whether the daemon of a pid file lives; in a container nothing may reap one that has ended: a zombie counts as gone.
running() { grep -qs '^State:.[^ZX]' "/proc/$(cat "$1" 2> /dev/null || echo none)/status"; }

check() {
  local there=/etc/slurm/slurm.conf other
  ((EUID == 0)) || fail "expected root, found $(id -un); run it as root, in a container"
  type slurmctld slurmd sbatch munged > /dev/null 2>&1 ||
    fail "Slurm is not installed here; apt-get install slurmctld slurmd slurm-client munge"
  [[ ! -e $there ]] || grep -q ClusterName=one_node $there || fail "$there: expected a machine without Slurm, found its settings"
  other=$(dirname "$(readlink -f $there)")
  [[ $other == "$dir" ]] || ! running "$other/slurmctld.pid" || fail "one is up already; first: one_node_slurm.sh down $other"
}

configure() {
  local host; host=$(hostname -s)
  mkdir -p "$dir"/{state,spool} /etc/slurm
  chmod 755 "$dir"
  # Snakemake's plugin removes SLURM_CONF from the environment of its jobs: only the default place is found by all
  ln -sfn "$dir"/{slurm,gres}.conf /etc/slurm/
  getent hosts "$host" > /dev/null || echo "127.0.0.1 $host" >> /etc/hosts
  [[ -e $dir/gpu0 ]] || mknod "$dir/gpu0" c 1 3
  echo "NodeName=$host Name=gpu File=$dir/gpu0" > "$dir/gres.conf"
  cat > "$dir/slurm.conf" << CONF
ClusterName=one_node
SlurmctldHost=$host(127.0.0.1)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
AuthInfo=socket=$dir/munge.socket
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
# without accounting, ended jobs are known from squeue, which must remember them
MinJobAge=3600
# a time limit is what it says, and what is told to stop has this many seconds
OverTimeLimit=0
KillWait=10
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
# take the node's word for its CPUs; refuse what can never run, instead of queueing it for ever
SlurmdParameters=config_overrides
EnforcePartLimits=ALL
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=8 RealMemory=$(awk '/MemTotal/ {print int($2 / 1100)}' /proc/meminfo) Gres=gpu:1
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
}

start() {
  [[ -s $dir/munge.key ]] || (umask 077 && head -c 1024 /dev/urandom > "$dir/munge.key")
  running "$dir/munged.pid" ||
    munged --force --key-file="$dir/munge.key" --socket="$dir/munge.socket" --pid-file="$dir/munged.pid" \
      --log-file="$dir/munged.log" --seed-file="$dir/munge.seed"
  running "$dir/slurmctld.pid" || slurmctld -c
  running "$dir/slurmd.pid" || slurmd
  for _ in {1..60}; do
    if [[ $(sinfo --noheader --format=%T 2> /dev/null) == idle ]]; then return; fi
    sleep 0.5
  done
  fail "the node did not become idle within 30 s; see $dir/slurmctld.log and $dir/slurmd.log"
}

stop() {
  if [[ $(readlink /etc/slurm/slurm.conf) == "$dir/slurm.conf" ]]; then
    timeout 10 scancel --user=root || true
    for _ in {1..40}; do
      [[ $(timeout 10 squeue --noheader 2> /dev/null) ]] || break
      sleep 0.5
    done
    rm -f /etc/slurm/{slurm,gres}.conf
  fi
  local name
  for name in slurmd slurmctld munged; do
    running "$dir/$name.pid" || continue
    kill "$(< "$dir/$name.pid")"
    for _ in {1..60}; do running "$dir/$name.pid" || break; sleep 0.5; done
  done
}

(($# == 2)) || fail "expected up or down and a folder, found: ${*:-nothing}"
dir=$(realpath -m "$2")
case $1 in
  up) check; configure; start ;;
  down) stop ;;
  *) fail "expected up or down, found $1" ;;
esac

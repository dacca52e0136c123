#!/usr/bin/env bash
# A throw-away Slurm of one node, on the loopback address, without systemd, cgroups and accounting: Debian's packages, as root.
#
#   one_node_slurm.sh up DIR      start munged, slurmctld and slurmd; configuration, state and logs lie in DIR
#   one_node_slurm.sh down DIR    cancel all jobs, stop the daemons that `up` started, by their pid files
#
# The node claims 8 CPUs and 1 GPU, which it need not have: the GPU's device file is a stand-in like /dev/null.
set -euo pipefail
readonly cpus=8 gpus=1 dir=$(realpath -m "${2:?usage: one_node_slurm.sh up|down DIR}")
readonly packages="slurmctld slurmd slurm-client munge"

fail() { echo "one_node_slurm.sh: $1" >&2; exit 1; }

check() {
  ((EUID == 0)) || fail "expected root, found $(id -un); run it in a container or as root"
  type slurmctld slurmd sbatch munged > /dev/null 2>&1 || fail "Slurm is not installed; apt-get install $packages"
  local found; found=$(readlink /etc/slurm/slurm.conf || true)
  if [[ -e /etc/slurm/slurm.conf && $found != */one_node/slurm.conf ]]; then
    fail "/etc/slurm/slurm.conf is there: expected no Slurm on this machine; use another"
  fi
  [[ ! -e $found || $found == "$conf" ]] || ! running "${found%/*}/slurmctld.pid" ||
    fail "another is up in ${found%/one_node/*}; stop it by: one_node_slurm.sh down ${found%/one_node/*}"
}

# whether the daemon of a pid file lives; in a container nothing may reap one that has ended: a zombie counts as gone
running() { grep -qs '^State:.[^ZX]' "/proc/$(cat "$1" 2> /dev/null || echo none)/status"; }

readonly own=$dir/one_node conf=$dir/one_node/slurm.conf

configure() {
  local host; host=$(hostname -s)
  mkdir -p "$own"/{state,spool} /etc/slurm
  chmod 755 "$own"
  # Snakemake's plugin removes SLURM_CONF from the environment of its jobs: only the default place is found by all
  ln -sfn "$conf" /etc/slurm/slurm.conf
  ln -sfn "$own/gres.conf" /etc/slurm/gres.conf
  getent hosts "$host" > /dev/null || echo "127.0.0.1 $host" >> /etc/hosts
  [[ -e $own/gpu0 ]] || mknod "$own/gpu0" c 1 3
  echo "NodeName=$host Name=gpu File=$own/gpu0" > "$own/gres.conf"
  cat > "$conf" << CONF
ClusterName=one_node
SlurmctldHost=$host(127.0.0.1)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
SlurmdUser=root
AuthInfo=socket=$own/munge.socket
StateSaveLocation=$own/state
SlurmdSpoolDir=$own/spool
SlurmctldPidFile=$own/slurmctld.pid
SlurmdPidFile=$own/slurmd.pid
SlurmctldLogFile=$own/slurmctld.log
SlurmdLogFile=$own/slurmd.log
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
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$(awk '/MemTotal/ {print int($2 / 1100)}' /proc/meminfo) Gres=gpu:$gpus
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
}

start() {
  [[ -s $own/munge.key ]] || (umask 077 && head -c 1024 /dev/urandom > "$own/munge.key")
  running "$own/munged.pid" ||
    munged --force --key-file="$own/munge.key" --socket="$own/munge.socket" --pid-file="$own/munged.pid" \
      --log-file="$own/munged.log" --seed-file="$own/munge.seed"
  running "$own/slurmctld.pid" || slurmctld -c
  running "$own/slurmd.pid" || slurmd
  for _ in {1..60}; do
    if [[ $(sinfo --noheader --format=%T 2> /dev/null) == idle ]]; then return; fi
    sleep 0.5
  done
  fail "the node did not become idle within 30 s; see $own/slurmctld.log and $own/slurmd.log"
}

stop() {
  if [[ $(readlink /etc/slurm/slurm.conf) == "$conf" ]]; then
    timeout 10 scancel --user=root || true
    for _ in {1..40}; do
      [[ $(timeout 10 squeue --noheader 2> /dev/null) ]] || break
      sleep 0.5
    done
    rm -f /etc/slurm/{slurm,gres}.conf
  fi
  local name
  for name in slurmd slurmctld munged; do
    running "$own/$name.pid" || continue
    kill "$(< "$own/$name.pid")"
    for _ in {1..60}; do running "$own/$name.pid" || break; sleep 0.5; done
  done
}

case $1 in
  up) check && configure && start ;;
  down) stop ;;
  *) fail "expected up or down, found $1" ;;
esac

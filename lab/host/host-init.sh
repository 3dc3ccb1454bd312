#!/bin/sh
# host-init.sh HOST_DIR HOST_RUN_DIR NAME
# The first process of a host: in mount and host name namespaces of its own it puts the host's disk where every host has
# it, and then only keeps the namespaces. Runs under `unshare --mount --uts --propagation private`.
set -e
disk=$1
run=$2
name=$3
mount --make-rshared /
umount --lazy /run/netns # the lab's own namespaces are not this host's, and a copy here would keep them alive
mount -t tmpfs -o size=1m,mode=755 netns /run/netns
for path in /etc/cni /etc/containerd /opt/cni /var/lib/cni /var/lib/kubelet /var/lib/containerd /var/log; do
  mount --bind "$disk$path" "$path"
done
mount --bind "$run/containerd" /run/containerd
mount --bind "$disk/capacity/meminfo" /proc/meminfo
mount --bind "$disk/capacity/node" /sys/devices/system/node
echo "$name" > /proc/sys/kernel/hostname
: > "$run/ready"
exec sleep infinity

#!/bin/sh
# Boots a throw-away Debian: this machine's own files below an overlay in memory, and systemd as its
# first process, in namespaces of its own for mounts, processes, network and control groups. The files
# below are only read; everything ends with the first process. Needs root and Debian's systemd.
#   usage: boot.sh FOLDER   an empty folder, which is used as a place for mounts; FOLDER/in appears
#   as /opt/wildfire-test inside
# (An overlay over / works as an unpacked debootstrap would, needs no network and takes no time.)
set -eu
folder=$1

if [ "${2-}" != inside ]; then
	# A control group of its own, so that systemd finds nobody but itself in there.
	cgroups=$(awk '$9 == "cgroup2" || $10 == "cgroup2" {print $5; exit}' /proc/self/mountinfo)
	if [ -n "$cgroups" ]; then
		mkdir "$cgroups/wildfire-test-$$"
		echo $$ >"$cgroups/wildfire-test-$$/cgroup.procs"
		echo "$cgroups/wildfire-test-$$" >"$folder/cgroup"
	fi
	exec unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child "$0" "$folder" inside
fi

mount --make-rprivate /
mkdir "$folder/memory" "$folder/root"
mount -t tmpfs -o mode=755 tmpfs "$folder/memory"
mkdir "$folder/memory/upper" "$folder/memory/work"
mount -t overlay -o "lowerdir=/,upperdir=$folder/memory/upper,workdir=$folder/memory/work" overlay "$folder/root"
cd "$folder/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
while read -r name major minor; do mknod -m 666 "dev/$name" c "$major" "$minor"; done <<END
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
END
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ip link set lo up 2>/dev/null || true

# What a fresh machine has not: a first boot of its own, a policy against services, our files.
rm -f etc/machine-id usr/sbin/policy-rc.d etc/systemd/system/multi-user.target.wants/*
echo 0123456789abcdef0123456789abcdef >etc/machine-id
mkdir -p opt/wildfire-test run/old
cp -a "$folder/in/." opt/wildfire-test/
pivot_root . run/old
umount -l /run/old
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	/lib/systemd/systemd --system --unit=basic.target --log-target=console --show-status=false

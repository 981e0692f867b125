#!/bin/busybox sh
# The guest's first process. The kernel hands words it does not know to it as environment: guest_run
# is the folder of this run, made by run.sh. The root is the host's, and so is what is written to it.
run=$guest_run
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs devtmpfs /dev
$b mkdir -p /dev/pts /dev/shm
$b mount -t devpts devpts /dev/pts
$b mount -t tmpfs tmpfs /dev/shm
$b mount -t configfs configfs /sys/kernel/config
$b mount -t debugfs debugfs /sys/kernel/debug
$b mkdir -p /sys/fs/cgroup
$b mount -t cgroup2 cgroup2 /sys/fs/cgroup
$b ln -s /proc/self/fd /dev/fd
$b ifconfig lo 127.0.0.1 up

fail() {
	echo "guest: $*" >>"$run/err"
	$b sync
	$b poweroff -f
}

[ -e "$run/ready" ] && fail "rebooted"
: >"$run/ready"
. "$run/env"
GPIOSIM_CONFIGFS=/sys/kernel/config/gpio-sim/sim0
$b mkdir $GPIOSIM_CONFIGFS && $b mkdir $GPIOSIM_CONFIGFS/bank0 || fail "no gpio-sim in configfs"
echo "$GUEST_LINES" >$GPIOSIM_CONFIGFS/bank0/num_lines
echo 1 >$GPIOSIM_CONFIGFS/live || fail "the gpio-sim chip did not go live"
GPIOSIM_CHIP=$($b cat $GPIOSIM_CONFIGFS/bank0/chip_name)
GPIOSIM_SYSFS=/sys/devices/platform/$($b cat $GPIOSIM_CONFIGFS/dev_name)/$GPIOSIM_CHIP
TMPDIR=/dev/shm
export GPIOSIM_CHIP GPIOSIM_SYSFS GPIOSIM_CONFIGFS TMPDIR

export GUEST_RUN=$run
cd "$GUEST_CWD" || fail "cannot enter $GUEST_CWD"
[ -z "$GUEST_FIRST" ] || eval "exec $($b cat "$run/cmd")" </dev/null >>"$run/out" 2>>"$run/err"
(. "$run/cmd") </dev/null >>"$run/out" 2>>"$run/err"
echo $? >"$run/rc"
$b sync
$b poweroff -f

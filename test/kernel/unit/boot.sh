#!/bin/bash
# Makes the guest a machine whose first process is systemd, and lets it run a suite: the host's files
# below an overlay in memory, so that nothing of it is written, and what the Debian package would put
# there. run.sh -1 hands over to the test binary, and that to this script.
#
#   boot.sh BINARY [ARG...]    the suite; its output and exit status go to run.sh
set -eu
trap 'echo "boot.sh: failed in line $LINENO" >&2; /bin/busybox poweroff -f' ERR
[ -x /lib/systemd/systemd ] || { echo "boot.sh: no systemd: apt-get install systemd" >&2; false; }
mount() { /bin/busybox mount "$@"; } # the other one keeps notes in /run, the host's yet
home=$PWD
checkout=$(cd ../../.. && pwd -P)
deploy=$checkout/deploy
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root

# A machine of its own: no services of the host's, a name, our package.
cd /mnt/root
rm -f .dockerenv etc/machine-id etc/fstab etc/shadow etc/gshadow etc/.pwd.lock usr/sbin/policy-rc.d etc/systemd/system/*.wants/*
echo 0123456789abcdef0123456789abcdef >etc/machine-id
for unneeded in random-seed modules-load sysctl update-utmp remount-fs; do
	ln -sf /dev/null etc/systemd/system/systemd-$unneeded.service
done
install -m 755 "$WILDFIRE_BINARY" usr/bin/wildfire-watch
install -m 755 "$WILDFIRE_FAULTY" usr/bin/wildfire-faulty
install -D -m 644 -t etc/wildfire-watch "$deploy/config.toml"
install -D -m 644 -t usr/lib/systemd/system "$deploy/wildfire-watch.service"
install -D -m 644 "$deploy/wildfire-watch.sysusers" usr/lib/sysusers.d/wildfire-watch.conf
install -D -m 644 -t usr/lib/udev/rules.d "$deploy/60-wildfire-watch.rules"

# The suite is a service that ends the machine. After= keeps what systemd knows of ours in memory.
mkdir opt/suite
{
	export -p
	printf 'cd %q\n' "$home"
	printf '%q ' "$@"
	echo '</dev/null'
} >opt/suite/run
cat >opt/suite/main <<END
. /opt/suite/run >>"$GUEST_RUN/out" 2>>"$GUEST_RUN/err"
echo \$? >"$GUEST_RUN/rc"
sync
exec /bin/busybox poweroff -f
END
cat >usr/lib/systemd/system/suite.service <<END
[Unit]
Requires=basic.target
After=basic.target wildfire-watch.service
[Service]
Type=exec
ExecStart=/bin/bash /opt/suite/main
END

# What is mounted comes along; the host's own files stay seen in the folder of this run only.
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir -p ".$GUEST_RUN"
mount -o bind "$GUEST_RUN" ".$GUEST_RUN"
case $checkout in /tmp/* | /run/*) # the checkout may lie there too
	mkdir -p ".$checkout"
	mount -o bind "$checkout" ".$checkout"
	mount -o remount,bind,ro ".$checkout" ;;
esac
for folder in proc sys dev; do mount -o move /$folder $folder; done
mkdir run/old
pivot_root . run/old
umount -l /run/old
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=suite.service --show-status=false

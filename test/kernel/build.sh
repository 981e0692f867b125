#!/bin/bash
# Builds the kernel on which test/kernel runs: user-mode Linux (an ordinary process; no modules, no
# KVM, no root) with gpiolib and gpio-sim, from Debian's kernel source package.
#
#   build.sh [path]    build it if it is missing; "path" only prints where it is or would be
#
# The result is build/kernel/<hash of everything that decides it>/linux below the checkout. Environment:
# JOBS (all processors), NICE (10). Takes about 4 minutes on two processors, 1.5 GB of scratch.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)
source_pkg=linux-source-6.1
packages=("$source_pkg" gcc libc6-dev make flex bison bc patch xz-utils busybox-static)
t0=$SECONDS
say() { printf '%4d s  %s\n' $((SECONDS - t0)) "$*" >&2; }
die() { echo "test/kernel/build.sh: $*" >&2; exit 1; }
installed() { dpkg-query -W -f '${db:Status-Status} ${Version}' "$1" 2>/dev/null | sed -n 's/^installed //p'; }

missing=()
for p in "${packages[@]}"; do [ -n "$(installed "$p")" ] || missing+=("$p"); done
if [ ${#missing[@]} -gt 0 ]; then
	[ "$(id -u)" = 0 ] || die "missing packages; as root: apt-get install ${missing[*]}"
	say "installing ${missing[*]}"
	apt-get update -qq >&2
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
		die "$source_pkg is Debian 12's; other releases do not have it"
fi

hash=$({ installed "$source_pkg"; cat "$here/build.sh" "$here/kernel.config" "$here/gpio-sim.patch"; } |
	sha256sum | cut -c1-12)
out=$root/build/kernel/$hash
if [ "${1:-}" = path ]; then echo "$out/linux"; exit; fi
[ ! -x "$out/linux" ] || exit 0

mkdir -p "$root/build/kernel"
exec 9>"$root/build/kernel/lock"
flock 9 # two that want it: the second finds it built
[ ! -x "$out/linux" ] || exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say "unpacking $source_pkg $(installed "$source_pkg")"
tar -xJf "/usr/src/$source_pkg.tar.xz" -C "$work"
cd "$work/$source_pkg"
patch -s -p1 <"$here/gpio-sim.patch" || die "gpio-sim.c is not as expected"

# User-mode Linux gives every interrupt number it has to its own devices, so that none is left for
# the simulated lines: 256 more.
irq_h=arch/um/include/asm/irq.h
sed -i 's/^#define NR_IRQS[[:space:]]*UM_LAST_SIGNAL_IRQ$/#define NR_IRQS (UM_LAST_SIGNAL_IRQ + 256)/' $irq_h
grep -q 'UM_LAST_SIGNAL_IRQ + 256' $irq_h || die "$irq_h is not as expected"
# Simulated edges arrive with the clock tick: 1 ms instead of 10.
sed -i '/^config HZ$/,/^$/s/default 100$/default 1000/' arch/um/Kconfig
grep -q 'default 1000$' arch/um/Kconfig || die "arch/um/Kconfig is not as expected"

say "configuring"
make -s ARCH=um tinyconfig >/dev/null
scripts/kconfig/merge_config.sh -m .config "$here/kernel.config" >/dev/null 2>&1
make -s ARCH=um olddefconfig >/dev/null 2>&1
while IFS= read -r line; do
	case $line in '#'* | '') continue ;; esac
	grep -qxF "$line" .config || die "the kernel does not take $line"
done <"$here/kernel.config"

say "compiling"
nice -n "${NICE:-10}" make -s ARCH=um -j"${JOBS:-$(nproc)}" linux >"$work/make.log" 2>&1 ||
	{ tail -n 30 "$work/make.log" >&2; exit 1; }
mkdir -p "$out"
strip -o "$out/linux.new" linux
mv "$out/linux.new" "$out/linux"
say "done: ${out#"$root"/}/linux, $(stat -c %s "$out/linux") bytes"

#!/usr/bin/env bash
# Fetches Debian's 64-bit Arm kernel and the device tree of a Raspberry Pi 3 into a folder:
#
#   fetch.sh OUT    makes OUT/vmlinuz and OUT/pi3.dtb, if they are not there yet
#
# apt does it with folders of its own, so that neither root nor a change of the machine's
# architectures is needed. The packages' signatures are checked as always.
set -euo pipefail
out=$(mkdir -p "$1" && cd "$1" && pwd -P)
[ -s "$out/vmlinuz" ] && [ -s "$out/pi3.dtb" ] && exit 0

suite=${SUITE:-bookworm}
# The mirror that this machine's own apt uses.
mirror=${MIRROR:-$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' | sed -n "s/^$suite //p" | sort -u | head -n 1)}
[ -n "$mirror" ] || { echo "test/arm/fetch.sh: this machine's apt has no source for $suite; MIRROR names one" >&2; exit 1; }
keys=/usr/share/keyrings/debian-archive-keyring.gpg
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/state/lists/partial "$work"/cache/archives/partial "$work"/none
: >"$work/state/status"
echo "deb [signed-by=$keys] $mirror $suite main" >"$work/sources.list"
cat >"$work/apt.conf" <<END
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
Dir::State "$work/state";
Dir::State::status "$work/state/status";
Dir::Cache "$work/cache";
Dir::Etc::main "$work/none";
Dir::Etc::parts "$work/none";
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "$work/none";
Dir::Etc::preferencesparts "$work/none";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::http::Timeout "30";
Acquire::Retries "3";
APT::Sandbox::User "";
END
export APT_CONFIG=$work/apt.conf
cd "$work"
apt-get update -q >update.log 2>&1 || { cat update.log >&2; exit 1; }
kernel=$(apt-cache depends linux-image-arm64 | awk '/Depends: linux-image-/ { print $2; exit }')
[ -n "$kernel" ] || { echo "fetch.sh: $suite has no linux-image-arm64" >&2; exit 1; }
echo "fetching $kernel"
apt-get download -q "$kernel" >download.log 2>&1 || { cat download.log >&2; exit 1; }
mkdir tree
dpkg-deb --fsys-tarfile "$kernel"_*.deb | tar -x -C tree --wildcards './boot/vmlinuz-*' '*/bcm2837-rpi-3-b.dtb'
cp tree/boot/vmlinuz-* "$out/vmlinuz"
cp "$(find tree -name bcm2837-rpi-3-b.dtb)" "$out/pi3.dtb"

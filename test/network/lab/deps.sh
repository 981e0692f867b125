#!/bin/bash
# Installs what the camera lab needs, by name: Debian packages, one Go module, two npm packages, and
# builds our own peers. Results go to $CAMLAB_CACHE (default: ~/.cache/camlab). Safe to run again, and
# by several at once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${CAMLAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/camlab}
go=${GO:-go}
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
debs="iproute2 procps avahi-daemon dnsmasq-base udhcpc wsdd faketime socat tcpdump iputils-arping ffmpeg python3-gi
 gir1.2-gst-rtsp-server-1.0 gir1.2-gstreamer-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
 gstreamer1.0-plugins-ugly gstreamer1.0-x vlc-bin vlc-plugin-base gsoap libgsoap-dev libssl-dev zlib1g-dev gcc libc6-dev nodejs npm"
# What the comparison with other scanners takes besides.
[ "${1:-}" != --compare ] || debs="$debs avahi-utils nmap arp-scan dbus curl time"
have() { case $1 in # node may have come from elsewhere than Debian
  nodejs) command -v node >/dev/null;; npm) command -v npm >/dev/null;;
  *) dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'install ok installed';; esac; }
need=""
for d in $debs; do have "$d" || need="$need $d"; done
if [ -n "$need" ]; then
  # Services must not start in the host's own network: policy-rc.d answers 101 while we install, and
  # goes whatever happens. One that is there already is not ours to touch.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod +x "$policy"
  fi
  apt-get -o DPkg::Lock::Timeout=300 update -qq
  # shellcheck disable=SC2086 # words
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends $need >"$cache/apt.log" 2>&1 || { tail "$cache/apt.log"; exit 1; }
fi
newer() { [ -x "$1" ] && [ -z "$(find "${@:2}" -newer "$1" -print -quit)" ]; } # newer FILE THAN..
newer "$cache/onvifdev" "$here/peers/onvifdev.c" "$here/peers/onvifdev.h" ||
  { "$here/peers/build-onvifdev.sh" "$cache/gs" && cp "$cache/gs/onvifdev" "$cache/onvifdev"; }
newer "$cache/peers" "$here/../peers" ||
  { (cd "$here/../peers" && CGO_ENABLED=0 "$go" build -trimpath -o "$cache/peers" .) && touch "$cache/peers"; }
if [ ! -x "$cache/go2rtc" ]; then
  m=$cache/gomod; mkdir -p "$m"
  printf 'module lab\n\ngo 1.26\n\nrequire github.com/AlexxIT/go2rtc v1.9.9\n' >"$m/go.mod"
  printf 'package lab\n\nimport _ "github.com/AlexxIT/go2rtc/pkg/core"\n' >"$m/lab.go"
  (cd "$m" && CGO_ENABLED=0 "$go" build -mod=mod -trimpath -ldflags '-s -w' -o "$cache/go2rtc" github.com/AlexxIT/go2rtc)
fi
if [ ! -d "$cache/npm/node_modules/onvif-mock" ]; then
  mkdir -p "$cache/npm"; cd "$cache/npm"; [ -f package.json ] || npm init -y >/dev/null 2>&1
  npm install --no-audit --no-fund --loglevel=error onvif@0.8.3 onvif-mock@npm:onvif@0.6.2 coffeescript@1.12.7 dot@1.1.3 >/dev/null
fi
if [ ! -f "$cache/sample.mp4" ]; then
  ffmpeg -v error -y -f lavfi -i testsrc2=s=1280x720:r=5 -t 20 -c:v libx264 -preset ultrafast -g 10 -pix_fmt yuv420p "$cache/sample.new.mp4"
  mv "$cache/sample.new.mp4" "$cache/sample.mp4"
fi
echo "camera lab: all there in $cache"

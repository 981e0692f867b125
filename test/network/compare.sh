#!/bin/bash
# Times other people's scanners and ours in a lab of its own, all from the appliance's place.
#   compare.sh PROGRAM [MODE..]     PROGRAM: our binary; MODE as lab.sh up has it, --wide for a /16
# Columns: tool, wall seconds, peak memory (KiB), what it found. Whoever finds cameras does not
# necessarily do the same work: ours asks each who it is, which streams it has, and with which login.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "$1"); shift
"$here/lab/deps.sh" --compare >/dev/null
cache=${CAMLAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/camlab}
lab() { "$here/lab/lab.sh" "$@"; }
out=$(mktemp -d)
export CAMLAB_ID CAMLAB_TTL=1800
for CAMLAB_ID in $(seq 200 220) none; do
  [ "$CAMLAB_ID" != none ] || { echo "compare.sh: no lab is free" >&2; exit 1; }
  if lab up "$@" >"$out/up" 2>&1; then break; fi
  grep -q 'up already' "$out/up" || { cat "$out/up"; lab down; exit 1; }
done
trap 'lab down >/dev/null; rm -rf "$out"' EXIT
set +e # a scanner that fails is a row of the table
bits=$(lab exec app ip -4 -br addr show eth0 | sed 's#.*/\([0-9]*\).*#\1#'); net=10.77.$CAMLAB_ID.0/24; [ "$bits" = 24 ] || net=10.77.0.0/16
truth=$(lab expected); count() { python3 -c 'import json,sys; d=json.load(sys.stdin); print(len([c for c in d["cameras"] if c["streams"]]))' <<<"$truth"; }
python3 -c 'import json,sys
for c in json.load(sys.stdin)["cameras"]:
    if c.get("user"): print(c["mac"], c["user"]+":"+c["password"])' <<<"$truth" >"$out/logins"; chmod 600 "$out/logins"
printf 'In the lab: %s hosts, %s cameras that can prove to be some.\n\n' "$(lab status | wc -l)" "$(count)"
printf '| %-52s | %8s | %9s | %-40s |\n' "tool ($net)" "wall s" "peak KiB" found; printf '|---|---|---|---|\n'
t() { # t LABEL COUNT-COMMAND CMD..
  local label=$1 counting=$2 w m status found; shift 2
  lab exec app ip neigh flush dev eth0 >/dev/null 2>&1
  lab exec app /usr/bin/time -o "$out/time" -f '%e %M' timeout "${LIMIT:-300}" "$@" >"$out/out" 2>"$out/err"
  status=$?; found=$(bash -c "$counting" <"$out/out" 2>/dev/null); [ $status -eq 0 ] || found="exit $status $found"
  read -r w m < <(tail -1 "$out/time")
  printf '| %-52s | %8s | %9s | %-40s |\n' "$label" "$w" "$m" "$found"
}
macs="grep -v Interface: | grep -oiE '([0-9a-f]{2}:){5}[0-9a-f]{2}' | sort -u | wc -l | sed 's/\$/ hosts/'"
hosts='s/$/ hosts/' cameras='s/$/ cameras/'
ours='import json,sys
d=json.load(sys.stdin); good=[c for c in d["cameras"] if c["login"] in ("good","none")]
print("%d cameras, %d logged in, %d streams; ARP %.2f s" % (len(d["cameras"]), len(good), sum(len(c["streams"]) for c in d["cameras"]), d["arp_took"]))'
t "wildfire-watch discover" "python3 -c '$ours'" "$program" discover --json --set "cameras.credentials_file=$out/logins"
t "arp-scan --localnet" "$macs" arp-scan --interface=eth0 --localnet --quiet
t "arp-scan --localnet --bandwidth=5M --retry=1" "$macs" arp-scan --interface=eth0 --localnet --quiet --bandwidth=5000000 --retry=1
t "arp-scan --bandwidth=50M --retry=1 -t 200" "$macs" arp-scan --interface=eth0 --localnet --quiet --bandwidth=50000000 --retry=1 --timeout=200
t "nmap -sn -PR -n" "$macs" nmap -sn -PR -n -e eth0 "$net"
t "nmap -sn -PR -n --min-rate 10000" "$macs" nmap -sn -PR -n -e eth0 --min-rate 10000 --max-retries 1 "$net"
if [ "$bits" = 24 ]; then
  t "nmap -p554 --open -n" "grep -c 554/tcp | sed '$hosts'" nmap -p554 --open -n -e eth0 "$net"
  t "nmap -p554,8554,10554,7070,80,8080,8899 --open" "grep -cE '^(554|8554|10554|7070)/tcp' | sed 's/\$/ ports of RTSP/'" nmap -p554,8554,10554,7070,80,8080,8899 --open -n -e eth0 "$net"
  t "nmap -sV -p554 (RTSP service detection)" "grep -c rtsp | sed '$cameras'" nmap -sV -p554 --open -n -e eth0 "$net"
  t "nmap --script rtsp-methods -p554,8554" "grep -c rtsp-methods: | sed '$cameras'" nmap -p554,8554 --open -n -e eth0 --script rtsp-methods "$net"
  t "nmap --script broadcast-wsdd-discover" "grep -oE '10\.77\.[0-9.]+' | sort -u | wc -l | sed '$hosts'" nmap -e eth0 --script broadcast-wsdd-discover
fi
cat >"$out/disc.js" <<'J'
const {Discovery} = require('onvif'); Discovery.on('error', () => {});
Discovery.probe({timeout: 5000, resolve: false}, (e, cams) => { for (const c of cams || []) console.log(JSON.stringify(c.probeMatches ? c.probeMatches.probeMatch.XAddrs : c.linerase || c.urn)); process.exit(0); });
J
t "npm onvif 0.8.3 Discovery.probe (5 s)" "sort -u | wc -l | sed '$cameras'" env NODE_PATH="$cache/npm/node_modules" node "$out/disc.js"
printf 'api: {listen: "127.0.0.1:1984"}\nrtsp: {listen: ""}\nwebrtc: {listen: ""}\n' >"$out/g.yaml"
t "go2rtc 1.9.9 /api/onvif (5 s)" "grep -o 'onvif://' | wc -l | sed '$cameras'" bash -c "'$cache/go2rtc' -config '$out/g.yaml' >/dev/null 2>&1 & p=\$!; sleep 0.5; curl -s http://127.0.0.1:1984/api/onvif; kill \$p"
cat >"$out/avahi.sh" <<'S'
mount -t tmpfs tmpfs /run; mkdir -p /run/dbus /run/avahi-daemon
dbus-daemon --system --nofork --nopidfile & b=$!; sleep 0.3
avahi-daemon --no-drop-root --no-chroot >/dev/null 2>&1 & a=$!; sleep 1
avahi-browse -artp; kill $a $b
S
t "avahi-browse -art (+1.3 s daemon start)" "grep '^=' | cut -d';' -f7 | sort -u | wc -l | sed '$hosts'" unshare -m bash "$out/avahi.sh"

#!/bin/bash
# Camera lab: one switch, a router, an appliance host, 12 cameras and 5 other hosts, each a network
# namespace. Nothing is created in the host's own network and there is no way out of the lab.
#   lab.sh up [MODE..]     start; --wide: a /16 with 8 more hosts far apart; --more: 9 more cameras in
#                          awkward situations; --hostile: 13 hosts that mean harm; --farm: 250 cameras
#                          of the cheapest kind instead of all others
#   lab.sh down | status | expected | ids | urls | selftest (ffprobe every stream against the ground truth)
#   lab.sh exec HOST CMD.. run CMD inside HOST (the appliance is "app")
#   lab.sh roam            cam10 gets another address by DHCP, same MAC
#   lab.sh unplug|replug HOST      the switch port goes down / up
#   lab.sh freeze|thaw HOST        its processes stop / go on (TCP still connects, nothing answers)
#   lab.sh kill|start HOST         its services end / start again (ports closed, host still up)
#   lab.sh swap HOST [MAC]         replace the hardware: same address, another MAC; none: its own again
# CAMLAB_ID (0..255, default 0) names a lab: several run side by side. CAMLAB_TTL: seconds after which
# a forgotten lab takes itself down (3600). CAMLAB_STATE, CAMLAB_CACHE: folders.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
id=${CAMLAB_ID:-0}; P=cl$id-; net=10.77.$id; far=10.77.$(((id + 100) % 256)); sw=${P}sw
cache=${CAMLAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/camlab}
st=${CAMLAB_STATE:-${XDG_RUNTIME_DIR:-/run}/camlab-$id}
die() { echo "lab: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || die "needs root"
# shellcheck source=hosts.sh
. "$here/hosts.sh"

mode() { [ -e "$st/mode-$1" ]; }
hosts() {
  if mode farm; then echo "gw app farm"; return; fi
  echo "gw app $cams $others"; ! mode wide || echo "$wides"; ! mode more || echo "$more"; ! mode hostile || echo "$hostile"
}
nx() { local h=$1; shift; ip netns exec "$P$h" "$@"; }
run() { # run HOST NAME CMD..: start a service in HOST
  local h=$1 n=$2; shift 2
  (cd "$st"; exec setsid ip netns exec "$P$h" "$@") >>"$st/log/$h.$n" 2>&1 </dev/null &
  echo $! >"$st/pid/$h.$n"
}
mkhost() { # mkhost HOST
  local h=$1 bits=24 port=eth0; ! mode wide || bits=16
  ip netns add "$P$h"
  nx "$h" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 net.ipv4.ip_unprivileged_port_start=0
  ip -n "$P$h" link set lo up
  case $h in
    mor05) mkrouted; return;;
    farm) mkfarm; return;; esac
  ip link add name "p-$h" netns "$sw" type veth peer name "$port" netns "$P$h" address "$(mac "$h")"
  ip -n "$sw" link set "p-$h" master br0 up
  # Two hosts with one MAC: a switch that learns sends every frame to the one that spoke last. Ours
  # gives both of them everything, as Wi-Fi does, so that a test sees the same each time.
  case $h in mor01|mor02) ip -n "$sw" link set "p-$h" type bridge_slave learning off;; esac
  ip -n "$P$h" link set "$port" up
  [ "$h" = cam10 ] || ip -n "$P$h" addr add "$(ip4 "$h")/$bits" dev "$port" brd +
  [ "$h" = gw ] || [ "$h" = cam10 ] || ip -n "$P$h" route add default via "$net.1"
}
mkrouted() { # a camera on the router's other side: multicast and ARP do not get there
  ip link add name rtd0 netns "${P}gw" type veth peer name rtd0 netns "${P}mor05" address "$(mac mor05)"
  nx gw sysctl -qw net.ipv4.ip_forward=1
  ip -n "${P}gw" addr add "$far.1/24" dev rtd0 brd +; ip -n "${P}gw" link set rtd0 up
  ip -n "${P}mor05" addr add "$far.65/24" dev rtd0 brd +; ip -n "${P}mor05" link set rtd0 up
  ip -n "${P}mor05" route add default via "$far.1"
}
mkfarm() { # one namespace, a cable, a MAC and an address for each camera: .3 to .252
  local i m; nx farm sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
  for i in $(seq 3 $((farm_count + 2))); do
    printf -v m '44:19:b6:fa:00:%02x' "$i"
    echo "link add name p-$i netns $sw type veth peer name e$i netns ${P}farm address $m"
  done | ip -batch -
  for i in $(seq 3 $((farm_count + 2))); do echo "link set p-$i master br0 up"; done | ip -n "$sw" -batch -
  # Each answers through its own cable: a route of its own by source address.
  for i in $(seq 3 $((farm_count + 2))); do
    echo "link set e$i up"; echo "addr add $net.$i/32 dev e$i"
    echo "route add $net.0/24 dev e$i src $net.$i table $((1000 + i))"; echo "rule add from $net.$i table $((1000 + i))"
  done | ip -n "${P}farm" -batch -
}
kids() { ip netns pids "$P$1" 2>/dev/null || true; } # only processes inside a host of this lab
endhosts() { # endhosts HOST..: all at once, gently for a second
  local i h p
  for i in $(seq 20); do
    p=$(for h in "$@"; do kids "$h"; done); [ -n "$p" ] || return 0
    # shellcheck disable=SC2086 # words
    case $i in 1) kill $p 2>/dev/null || true; kill -CONT $p 2>/dev/null || true;; [6-9]|1?|20) kill -KILL $p 2>/dev/null || true;; esac
    sleep 0.2
  done; die "will not end: $p"
}
up() {
  local m h
  if ip netns list | grep -q "^$sw\b"; then die "lab $id is up already"; fi
  "$here/deps.sh" >/dev/null
  ip netns add "$sw" 2>/dev/null || die "lab $id is up already"
  rm -rf "$st"; mkdir -p "$st/pid" "$st/log"; echo 100 >"$st/roam"
  for m in "$@"; do case $m in --wide|--more|--hostile|--farm) touch "$st/mode-${m#--}";; *) die "no mode $m";; esac; done
  if mode wide && mode more; then die "--wide and --more: the /16 holds the subnet behind the router"; fi
  ip -n "$sw" link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0; ip netns exec "$sw" sysctl -qw net.ipv6.conf.all.disable_ipv6=1; ip -n "$sw" link set br0 up
  for h in $(hosts); do mkhost "$h"; done
  for h in $(hosts); do services "$h"; done
  CAMLAB_ID=$id CAMLAB_STATE=$st setsid bash -c 'sleep "$1"; exec "$2" down' _ "${CAMLAB_TTL:-3600}" "$here/lab.sh" >/dev/null 2>&1 </dev/null & echo $! >"$st/watchdog"
  ready
  expected >"$st/expected.json"; echo "lab $id up: $(hosts | wc -w) hosts, appliance at $net.2, ground truth in $st/expected.json"
}
ready() { # wait until every service that listens does so, at most a minute
  local h p missing again end=$((SECONDS + 60)) all=$listens
  ! mode more || all="$all $listens_more"; ! mode hostile || all="$all $listens_hostile"; ! mode farm || all="farm:554"
  missing=$all
  while :; do
    again=""
    for h in $missing; do
      p=${h#*:}; nx "${h%:*}" ss -lntuH "sport = :$p" 2>/dev/null | grep -q . || again="$again $h"
    done
    missing=$again
    if [ -z "$missing" ] && { mode farm || [ -s "$st/cam10.ip" ]; }; then return 0; fi
    [ $SECONDS -lt $end ] || die "not ready:$missing (see $st/log)"
    sleep 0.2
  done
}
down() {
  local all h w; all=$(ip netns list | awk '{print $1}' | grep "^$P" || true)
  # shellcheck disable=SC2046,SC2086 # words
  endhosts $(for h in $all; do echo "${h#"$P"}"; done)
  for h in $all; do ip netns del "$h"; done
  w=$(cat "$st/watchdog" 2>/dev/null || true); [ -z "$w" ] || [ "$w" = "$PPID" ] || [ "$w" = $$ ] || kill -- "-$w" 2>/dev/null || true
  rm -rf "$st"; echo "lab $id down"
}
expected() { sed "s/10\.77\.100\./@far@/g; s/10\.77\.0\./$net./g; s/@far@/$far./g" "$here/expected.json"; }
status() {
  ip netns list | grep -q "^$sw\b" || { echo "lab $id is down"; return 0; }
  local h n; for h in $(hosts); do n=$(kids "$h" | wc -w)
    printf '%-6s %-18s %-15s port=%-5s procs=%-3s %s\n' "$h" "$(nx "$h" cat /sys/class/net/eth0/address 2>/dev/null || true)" "$(ip -n "$P$h" -4 -br addr show eth0 2>/dev/null | awk '{print $3}')" \
      "$(ip -n "$sw" -br link show "p-$h" 2>/dev/null | awk '{print $2}')" "$n" "$(nx "$h" ss -lntH | awk '{sub(/.*:/,"",$4); print $4}' | sort -nu | tr '\n' ' ')"; done
}
roam() {
  local n old; old=$(cat "$st/roam"); n=$((old == 100 ? 101 : 100)); echo $n >"$st/roam"
  echo "$(mac cam10),$net.$n,2m" >"$st/dhcp.hosts"; kill -HUP "$(cat "$st/dnsmasq.pid")"
  kill "$(cat "$st/pid/cam10.dhcp")" 2>/dev/null || true; sleep 0.5; rm -f "$st/cam10.ip"; lease
  leased || die "cam10 got no address"
  kill "$(cat "$st/pid/cam10.onvif")" 2>/dev/null || true; roamer # a camera says Hello again from its new address
  echo "cam10 $(mac cam10): $net.$old -> $(cat "$st/cam10.ip")"
}
swap() { # another MAC, and what belongs to the address stays
  ip -n "$P$1" link set eth0 down; ip -n "$P$1" link set eth0 address "${2:-$(mac "$1")}"; ip -n "$P$1" link set eth0 up
  ip -n "$P$1" route replace default via "$net.1" 2>/dev/null || true
}
need() { ip netns list | grep -q "^$P$1\b" || die "no host $1"; }
c=${1:-status}; shift || true
case $c in
  up) up "$@";; down) down;; status) status;; expected) expected;; ids) ip netns list | awk '/^cl[0-9]+-sw/{sub(/^cl/,"");sub(/-sw.*/,"");print}';;
  exec) h=$1; shift; exec ip netns exec "$P$h" "$@";;
  selftest) exec ip netns exec "${P}app" /usr/bin/python3 "$here/peers/selftest.py" "$st/expected.json" $(! mode more || echo more);;
  urls) expected | grep -o 'rtsp://[^"]*' | sort -u;;
  roam) roam;;
  unplug) need "$1"; ip -n "$sw" link set "p-$1" down;; replug) need "$1"; ip -n "$sw" link set "p-$1" up;;
  freeze) need "$1"; kill -STOP $(kids "$1");; thaw) need "$1"; kill -CONT $(kids "$1");;
  kill) need "$1"; endhosts "$1";; start) need "$1"; services "$1";;
  swap) need "$1"; swap "$@";;
  *) sed -n '2,17p' "$0"; exit 2;;
esac

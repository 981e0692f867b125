# Who is in the lab: addresses, and what runs on each host. lab.sh reads this file; it is no program.
# shellcheck shell=bash disable=SC2154 # here, net, far, st, cache come from lab.sh
cams="cam01 cam02 cam03 cam04 cam05 cam06 cam07 cam08 cam09 cam10 cam11 cam12"
others="oth01 oth02 oth03 oth04 oth05"
wides="far1 far2 far3 far4 far5 far6 far7 far8"
more="mor01 mor02 mor03 mor04 mor05 mor06 mor07 mor08 mor09"
hostile="hos01 hos02 hos03 hos04 hos05 hos06 hos07 hos08 hos09 hos10 hos11 hos12 hos13"
farm_count=250

# Maker prefixes are real, so that a maker table can be tested; hostile hosts have none.
mac() { case $1 in
  gw) echo 02:00:5e:00:00:01;; app) echo 02:00:5e:00:00:02;;
  cam01) echo 44:19:b6:0a:00:01;; cam02) echo 3c:ef:8c:0a:00:02;; cam03) echo ec:71:db:0a:00:03;; cam04) echo 00:07:5f:0a:00:04;;
  cam05) echo 44:19:b6:0a:00:05;; cam06) echo 48:ea:63:0a:00:06;; cam07) echo 3c:ef:8c:0a:00:07;; cam08) echo 00:02:d1:0a:00:08;;
  cam09) echo 00:40:8c:0a:00:09;; cam10) echo 9c:8e:cd:0a:00:10;; cam11) echo 2c:aa:8e:0a:00:11;; cam12) echo 00:09:18:0a:00:12;;
  oth01) echo 00:15:5d:0b:00:01;; oth02) echo b8:27:eb:0b:00:02;; oth03) echo 1c:61:b4:0b:00:03;; oth04) echo 02:de:ad:0b:00:04;; oth05) echo 00:11:32:0b:00:05;;
  far*) echo "02:fa:00:00:00:0${1#far}";;
  mor01|mor02) echo 44:19:b6:0c:00:01;; mor03) echo 3c:ef:8c:0c:00:03;; mor04) echo ec:71:db:0c:00:04;; mor05) echo 00:40:8c:0c:00:05;;
  mor06) echo 00:02:d1:0c:00:06;; mor07) echo 44:19:b6:0c:00:07;; mor08) echo 9c:8e:cd:0c:00:08;; mor09) echo 48:ea:63:0c:00:09;;
  hos*) echo "02:0b:ad:00:00:${1#hos}";; esac; }
ip4() { case $1 in gw) echo "$net.1";; app) echo "$net.2";; cam10) cat "$st/cam10.ip" 2>/dev/null || true;;
  cam11) echo "$net.21";; cam12) echo "$net.22";; cam0*) echo "$net.1${1#cam0}";; oth0*) echo "$net.3${1#oth0}";;
  far*) echo "10.77.$(( (id + 31 * ${1#far}) % 256 )).$((17 + ${1#far}))";;
  mor04) echo "$net.63";; mor05) echo "$far.65";; mor0*) echo "$net.6${1#mor0}";;
  hos0*) echo "$net.4${1#hos0}";; hos1*) echo "$net.5${1#hos1}";; esac; }

gst() { local h=$1; shift; run "$h" rtsp /usr/bin/python3 "$here/peers/rtspd.py" "$@"; }
peer() { local h=$1 n=$2; shift 2; run "$h" "$n" "$cache/peers" "$n" "$@"; } # peer HOST NAME FLAGS..: one of ours
onvif() { # onvif HOST VAR=VALUE..
  local h=$1 t=""; shift
  case " $* " in *" FAKE="*) t=$(printf '%s\n' "$@" | sed -n 's/^FAKE=//p');; esac
  run "$h" onvif env DEV_IP="$(ip4 "$h")" DEV_MAC="$(mac "$h")" DEV_UUID="$(printf '4c616200-0000-1000-8000-%s' "$(mac "$h" | tr -d :)")" "$@" \
    ${t:+faketime -f "$t"} "$cache/onvifdev"
}
avahi() { # avahi HOST NAME, service types on stdin as "TYPE PORT TXT"
  local h=$1 n=$2 d=$st/avahi-$1 t p x; mkdir -p "$d/services"
  printf '[server]\nhost-name=%s\nuse-ipv6=no\nallow-interfaces=eth0\nenable-dbus=no\nratelimit-interval-usec=0\n[publish]\npublish-workstation=no\n' "$n" >"$d/avahi-daemon.conf"
  { echo "<?xml version=\"1.0\"?><!DOCTYPE service-group SYSTEM \"avahi-service.dtd\"><service-group><name>$n</name>"
    while read -r t p x; do echo "<service><type>$t</type><port>$p</port>${x:+<txt-record>$x</txt-record>}</service>"; done
    echo "</service-group>"; } >"$d/services/cam.service"
  run "$h" avahi sh -c "mkdir -p /run/avahi-daemon; mount -t tmpfs tmpfs /run/avahi-daemon; mount --bind '$d' /etc/avahi; exec avahi-daemon --no-drop-root --no-chroot -f /etc/avahi/avahi-daemon.conf"
}
roamer() { onvif cam10 DEV_AUTH=http-digest DEV_IPFILE="$st/cam10.ip" DEV_MAKE=Roamer DEV_MODEL=RM-10 DEV_SERIAL=RM0A0010 DEV_USER=admin DEV_PASS=Lab-pass10 DEV_PROFILES="main:/h264Preview_01_main:1280:720:5:H264"; }
lease() { # start (again) cam10's DHCP client
  run cam10 dhcp udhcpc -f -i eth0 -t 20 -T 1 -A 1 -R -s "$here/peers/udhcpc.sh"
}
leased() { local _; for _ in $(seq 40); do [ ! -s "$st/cam10.ip" ] || return 0; sleep 0.25; done; return 1; }

services() { case $1 in
  gw) echo "$(mac cam10),$net.$(cat "$st/roam"),2m" >"$st/dhcp.hosts"
     run gw dhcp dnsmasq --keep-in-foreground --conf-file=/dev/null --port=0 --interface=eth0 --bind-interfaces --log-facility=- --log-dhcp --user=root \
       --dhcp-range="$net.100,$net.150,2m" --dhcp-hostsfile="$st/dhcp.hosts" --dhcp-leasefile="$st/dhcp.leases" --dhcp-authoritative --pid-file="$st/dnsmasq.pid";;
  cam01) gst cam01 --auth digest --user admin --password Lab-pass1 --realm "IP Camera(A1)" --mount /Streaming/Channels/101:h264:1920x1080:5 --mount /Streaming/Channels/102:h264:640x360:5
     onvif cam01 DEV_MAKE=Labvision DEV_MODEL=LV-2CD1 DEV_FW=V5.7.1 DEV_SERIAL=LV0A0001 DEV_USER=admin DEV_PASS=Lab-pass1 DEV_LOCK_AFTER=5 DEV_LOCK_S=60 \
       DEV_PROFILES="Profile_1:/Streaming/Channels/101:1920:1080:5:H264 Profile_2:/Streaming/Channels/102:640:360:5:H264";;
  cam02) gst cam02 --auth both --user admin --password Lab-pass2 --realm "Login to 0A0002" --mount /cam/realmonitor:h265:2560x1440:5
     onvif cam02 FAKE=-2h DEV_MAKE=Labhua DEV_MODEL=IPC-H265 DEV_SERIAL=LH0A0002 DEV_USER=admin DEV_PASS=Lab-pass2 DEV_LOCK_AFTER=5 DEV_LOCK_S=60 \
       DEV_PROFILES="MediaProfile000:/cam/realmonitor?channel=1&subtype=0:2560:1440:5:H265";;
  cam03) cat >"$st/go2rtc.yaml" <<Y
api: {listen: ":8899", username: admin, password: Lab-pass3}
rtsp: {listen: ":554", username: admin, password: Lab-pass3}
webrtc: {listen: ""}
log: {level: info}
streams:
  main: "exec:ffmpeg -v error -re -f lavfi -i testsrc2=s=1280x720:r=5 -c:v libx264 -preset ultrafast -tune zerolatency -g 10 -pix_fmt yuv420p -f rtsp {output}"
  sub: "exec:ffmpeg -v error -re -f lavfi -i testsrc2=s=640x360:r=5 -c:v libx264 -preset ultrafast -tune zerolatency -g 10 -pix_fmt yuv420p -f rtsp {output}"
Y
     run cam03 go2rtc "$cache/go2rtc" -config "$st/go2rtc.yaml";;
  cam04) # VLC refuses root, and nobody may not read our folders: give it a private copy
     run cam04 rtsp sh -c "mount -t tmpfs tmpfs /mnt; cp '$cache/sample.mp4' /mnt/; exec setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/mnt \
       cvlc -q --no-dbus --loop /mnt/sample.mp4 --sout '#rtp{sdp=rtsp://:554/h264main}' --sout-keep"
     run cam04 onvif env HOSTNAME="$(ip4 cam04)" PORT=8080 VERBOSE=1 node "$cache/npm/node_modules/coffeescript/bin/coffee" "$cache/npm/node_modules/onvif-mock/test/serverMockup.coffee";;
  cam05) gst cam05 --auth digest --user admin --password Lab-pass5 --realm "IP Camera(C5)" --mount /Streaming/Channels/101:h264:1280x720:5;;
  cam06) gst cam06 --port 8554 --auth both --user viewer --password Lab-pass6 --mount /live/ch0:h264:1280x720:5:audio;;
  cam07) gst cam07 --auth digest --user admin --password Lab-pass7 --realm "Login to 0A0007" --max-sessions 1 --mount /cam/realmonitor:h265:1280x720:5;;
  cam08) gst cam08 --port 10554 --auth none --mount /stream1:h264:640x480:5
     printf '_rtsp._tcp 10554 path=/stream1\n_http._tcp 80\n' | avahi cam08 "Vivo-0A0008";;
  cam09) gst cam09 --port 7070 --auth digest --user root --password Lab-pass9 --realm AXIS_00408C0A0009 --mount /axis-media/media.amp:mjpeg:800x600:5
     printf '_axis-video._tcp 80 macaddress=00408C0A0009\n_rtsp._tcp 7070 path=axis-media/media.amp\n_onvif._tcp 80\n' | avahi cam09 "axis-00408c0a0009";;
  cam10) gst cam10 --auth digest --user admin --password Lab-pass10 --mount /h264Preview_01_main:h264:1280x720:5
     lease; leased || die "cam10 got no address"; roamer;;
  cam11) gst cam11 --auth none --mount /live:h264:640x360:5;;
  cam12) run cam12 hang socat TCP-LISTEN:554,fork,reuseaddr SYSTEM:"sleep 3600";;
  oth01) run oth01 wsdd wsdd -4 -i eth0 -n OFFICE-PC -U 0b000001-0000-1000-8000-00155d0b0001;;
  oth02) run oth02 banner socat TCP-LISTEN:22,fork,reuseaddr SYSTEM:"printf 'SSH-2.0-OpenSSH_9.2p1 Debian-2\\r\\n'; sleep 5";;
  oth03) mkdir -p "$st/www"; echo '<html><title>Office printer</title></html>' >"$st/www/index.html"
     run oth03 http /usr/bin/python3 -m http.server 80 --directory "$st/www"
     onvif oth03 DEV_PORT=5357 DEV_TYPES="wsdp:Device wprt:PrintDeviceType" DEV_SCOPES=" " # a printer: answers every WS-Discovery probe
     printf '_http._tcp 80\n_ipp._tcp 631\n' | avahi oth03 "Office printer";;
  oth04) local p; for p in 22 80 554 8080 8554; do run oth04 "tar$p" socat "TCP-LISTEN:$p,fork,reuseaddr,max-children=64" SYSTEM:"while printf R; do sleep 1; done"; done;;
  oth05) run oth05 garbage socat TCP-LISTEN:554,fork,reuseaddr SYSTEM:"head -c 65536 /dev/urandom";;

  # More real situations.
  mor01) peer mor01 camera -path /live -auth digest -user admin -password Lab-more1;;     # two hosts, one MAC
  mor02) peer mor02 camera -path /live -auth digest -user admin -password Lab-more1;;
  mor03) peer mor03 camera -path /live;;                                                  # one address, two MACs
  mor04) peer mor04 camera -path /live;;
  mor05) gst mor05 --auth digest --user root --password Lab-more5 --mount /axis-media/media.amp:h264:640x360:5 # behind the router
     onvif mor05 DEV_IF=rtd0 DEV_MAKE=Routed DEV_MODEL=RT-5 DEV_SERIAL=RT0C0005 DEV_USER=root DEV_PASS=Lab-more5 DEV_PROFILES="main:/axis-media/media.amp:640:360:5:H264";;
  mor06) peer mor06 camera -path /live.sdp -auth sha256 -user admin -password Lab-more6;; # Digest SHA-256 and nothing else
  mor07) peer mor07 camera -auth digest -user admin -password Lab-more7 \
       -path /Streaming/Channels/101,/Streaming/Channels/201,/Streaming/Channels/301,/Streaming/Channels/401 # a recorder: four channels
     onvif mor07 DEV_MAKE=Labcorder DEV_MODEL=NVR-4 DEV_SERIAL=NV0C0007 DEV_USER=admin DEV_PASS=Lab-more7 DEV_LOCK_AFTER=5 DEV_LOCK_S=60 \
       DEV_PROFILES="ch1:/Streaming/Channels/101:640:360:5:H264 ch2:/Streaming/Channels/201:640:360:5:H264 ch3:/Streaming/Channels/301:640:360:5:H264 ch4:/Streaming/Channels/401:640:360:5:H264";;
  mor08) peer mor08 camera -path /h264Preview_01_main -auth digest -user admin -password Lab-more8 # summer time: the clock is an hour ahead
     onvif mor08 FAKE=+1h DEV_MAKE=Summer DEV_MODEL=DST-8 DEV_SERIAL=DS0C0008 DEV_USER=admin DEV_PASS=Lab-more8 DEV_LOCK_AFTER=5 DEV_LOCK_S=60 \
       DEV_PROFILES="main:/h264Preview_01_main:640:360:5:H264";;
  mor09) peer mor09 camera -listen :5544 -path /odd -auth digest -user admin -password Lab-more9 # found by what it announces, and that is odd
     peer mor09 probed -what odd -ip "$(ip4 mor09)"
     onvif mor09 DEV_DISCOVERY=off DEV_PORT=8123 DEV_RTSP_PORT=5544 DEV_MAKE=Oddview DEV_MODEL=OD-9 DEV_SERIAL=OD0C0009 DEV_USER=admin DEV_PASS=Lab-more9 DEV_PROFILES="main:/odd:640:360:5:H264";;

  # Hostile hosts. Each ends by itself: bytes, seconds and answers are bounded in the peer.
  hos01) peer hos01 endless -what headers;;
  hos02) peer hos02 endless -what sdp;;
  hos03) peer hos03 soap -what flood -ip "$(ip4 hos03)";;
  hos04) peer hos04 soap -what bomb -ip "$(ip4 hos04)";;
  hos05) peer hos05 drip -ip "$(ip4 hos05)";;
  hos06) peer hos06 redirect -ip "$(ip4 hos06)" -to "$(ip4 hos06)";;
  hos07) peer hos07 redirect -ip "$(ip4 hos07)" -to "$(ip4 hos08)";;
  hos08) peer hos08 thief;;
  hos09) peer hos09 probed -what flood -ip "$(ip4 hos09)";;
  hos10) peer hos10 probed -what foreign -ip "$(ip4 hos10)" -to "$(ip4 cam01),$(ip4 hos08)";;
  hos11) peer hos11 mdns -ip "$(ip4 hos11)";;
  hos12) local i; for i in $(seq 225 254); do ip -n "${P}hos12" addr add "$net.$i/32" dev lo; done;; # answers ARP for a whole /27
  hos13) run hos13 ssh socat TCP-LISTEN:554,fork,reuseaddr,max-children=64 SYSTEM:"printf 'SSH-2.0-OpenSSH_9.2p1 Debian-2\\r\\n'; sleep 5";;
  farm) peer farm camera -path /Streaming/Channels/101 -auth digest -user admin -password Lab-farm;;
  esac; }

# What listens when all is up, as HOST:PORT.
listens="cam01:554 cam01:80 cam02:554 cam02:80 cam03:554 cam03:8899 cam04:554 cam04:8080 cam05:554 cam06:8554 cam07:554 cam08:10554 cam09:7070
 cam10:554 cam10:80 cam11:554 cam12:554 oth01:3702 oth02:22 oth03:80 oth04:554 oth05:554"
listens_more="mor01:554 mor02:554 mor03:554 mor04:554 mor05:554 mor05:80 mor06:554 mor07:554 mor07:80 mor08:554 mor08:80 mor09:5544 mor09:8123 mor09:3702"
listens_hostile="hos01:554 hos02:554 hos03:80 hos04:80 hos05:80 hos06:80 hos07:80 hos08:80 hos09:3702 hos10:3702 hos13:554"

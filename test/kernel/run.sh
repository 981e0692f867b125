#!/bin/bash
# Boots a guest: user-mode Linux with one gpio-sim chip, and runs a command in it.
#
#   run.sh [-l LINES] [-m MEM] [-t SECONDS] [-a WORD]... [-k FILE] [-v1] COMMAND [ARG...]
#
#   -l  lines of the simulated chip (64)
#   -m  guest memory (384M)
#   -t  give up after that many seconds (300)
#   -a  one more word for the kernel's command line: ubd0=IMAGE (then /dev/ubda), gpio_sim.persist=1
#       (lines that are let go keep their level), gpio_sim.log=1 (line history in the kernel's log)
#   -k  file for the kernel's log
#   -v  kernel's log on stderr at the end
#   -1  the command takes the place of the guest's first process (systemd); it writes its exit status
#       into $GUEST_RUN/rc and powers off
#
# The command sees the host's files, the caller's exported environment and folder, GPIOSIM_CHIP,
# GPIOSIM_SYSFS and GPIOSIM_CONFIGFS (see test/kernel/gpiosim), and TMPDIR in the guest's memory. Exit
# status: the command's; 122 the power was cut (USR1 to run.sh: the guest dies at once and loses what it
# had not synced), 123 its watchdog expired, 124 it took too long, 125 it died or rebooted.
#
# TERM or INT ends the guest and leaves nothing behind. KILL does too, a moment later.
set -u
here=$(cd "$(dirname "$0")" && pwd -P)
kernel=${GUEST_KERNEL:-$("$here/build.sh" path)}
lines=64 mem=384M limit=300 log= verbose= first= extra=()
while getopts l:m:t:a:k:v1 o; do
	case $o in
	l) lines=$OPTARG ;;
	m) mem=$OPTARG ;;
	t) limit=$OPTARG ;;
	a) extra+=("$OPTARG") ;;
	k) log=$OPTARG ;;
	v) verbose=1 ;;
	1) first=1 ;;
	*) exit 125 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || { echo "usage: run.sh [options] command [arg...]" >&2; exit 125; }
[ -x "$kernel" ] || { echo "run.sh: no kernel at $kernel: make kernel" >&2; exit 125; }

run=$(mktemp -d)
ulimit -c 0
uml= alarm= why=
quit() { # the kernel first: killed outright it would leave its processes behind, untraced
	[ -n "$uml" ] || return
	kill -TERM "$uml" 2>/dev/null
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		kill -0 "$uml" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL -- "-$uml" 2>/dev/null
}
trap 'quit; exit 130' INT TERM
trap '[ -n "$alarm" ] && kill "$alarm" 2>/dev/null; rm -rf "$run"' EXIT
trap 'why=cut; [ -n "$uml" ] && kill -KILL -- "-$uml" 2>/dev/null' USR1

{
	while IFS= read -r name; do
		case $name in TMPDIR | SHLVL | PWD | OLDPWD | _) ;; *) printf 'export %s=%q\n' "$name" "${!name}" ;; esac
	done < <(compgen -e)
	printf 'GUEST_LINES=%q GUEST_CWD=%q GUEST_FIRST=%q\n' "$lines" "$PWD" "$first"
} >"$run/env"
printf '%q ' "$@" >"$run/cmd"
touch "$run/out" "$run/err"

# A guest is a machine of its own: where that is permitted it goes before the host's other work. Hosts that
# schedule by session (sched(7), autogroup) want to be told of the session, too.
ahead=()
# shellcheck disable=SC2016 # the inner shell expands it
[ "$(nice -n -15 nice 2>/dev/null)" -ge 0 ] ||
	ahead=(nice -n -15 bash -c 'echo -15 >/proc/self/autogroup; exec "$@"' ahead)
# It is one process that traces others: on one processor of the host a system call of a guest takes a tenth of
# what it takes from one to the other. Guests that run at once take different ones while there are.
cpus=() pinned=()
while IFS= read -r n; do cpus+=("$n"); done < <(taskset -cp $$ | sed 's/.*: //' | tr , '\n' |
	awk -F- '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }')
for n in ${cpus[@]+"${cpus[@]}"}; do
	exec {seat}>"${TMPDIR:-/tmp}/wildfire-guest-$UID-cpu$n.lock" || break
	pinned=(taskset -c "$n")
	flock -n "$seat" && break
	exec {seat}>&-
	pinned=(taskset -c "${cpus[RANDOM % ${#cpus[@]}]}")
done
setsid setpriv --pdeathsig TERM ${pinned[@]+"${pinned[@]}"} ${ahead[@]+"${ahead[@]}"} setarch "$(uname -m)" -R "$kernel" \
	mem="$mem" root=/dev/root rootfstype=hostfs rootflags=/ rw init="$here/guest-init.sh" \
	guest_run="$run" uml_dir="$run/" con=null con0=null,fd:1 ssl=null softdog.soft_panic=1 \
	${extra[@]+"${extra[@]}"} </dev/null >"$run/kernel" 2>&1 &
uml=$!
tail -n +1 -s 0.05 -f --pid="$uml" "$run/out" &
tail_out=$!
tail -n +1 -s 0.05 -f --pid="$uml" "$run/err" >&2 &
tail_err=$!
(
	sleep "$limit" &
	nap=$!
	trap 'kill $nap; exit' TERM
	wait $nap
	: >"$run/late"
) >/dev/null 2>&1 &
alarm=$!
while kill -0 "$uml" 2>/dev/null; do
	wait -n "$uml" "$alarm" 2>/dev/null
	if [ -e "$run/late" ]; then
		why=late
		quit
		break
	fi
done
wait "$uml" 2>/dev/null
kill -KILL -- "-$uml" 2>/dev/null # nothing is left, unless the kernel was killed outright
kill "$alarm" 2>/dev/null
wait "$alarm" "$tail_out" "$tail_err" 2>/dev/null
[ -z "$log" ] || cp "$run/kernel" "$log"
[ -z "$verbose" ] || cat "$run/kernel" >&2
case $why in
cut) exit 122 ;;
late)
	echo "run.sh: gave up after $limit s" >&2
	exit 124
	;;
esac
if grep -q 'Software Watchdog Timer expired' "$run/kernel"; then
	echo "run.sh: the guest's watchdog expired" >&2
	exit 123
fi
if [ ! -s "$run/rc" ]; then
	tail -n 40 "$run/kernel" >&2
	echo "run.sh: the guest ended without a result" >&2
	exit 125
fi
exit "$(cat "$run/rc")"

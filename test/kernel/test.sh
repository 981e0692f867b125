#!/bin/bash
# Runs the suites of the guest: every package with a *_kernel_test.go (build tag kernel), compiled
# here, each in a guest of its own, two at once; then the suites that drive guests from outside: every
# package with a *_kernelhost_test.go (build tag kernelhost), run here, one after the other. They find
# run.sh in GUEST.
#
#   test.sh [-v] [PATTERN]    PATTERN: part of the import path; -v shows what passes too
#
# The product is at WILDFIRE_BINARY, and at WILDFIRE_FAULTY one that breaks on demand (build tag faults).
# A line "//guest:options -m 512M -t 600" in a *_kernel_test.go is given to run.sh, whose -t is the only
# bound of a suite's time; "//guest:run REGEXP" goes to -test.run; "//guest:alone" gives a suite the
# machine for itself. A suite that runs no test has failed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)
cd "$root"
verbose=
[ "${1:-}" != -v ] || { verbose=1; shift; }
pattern=${1:-}
go=${GO:-go}
export CGO_ENABLED=0 GUEST="$here/run.sh" GUEST_KERNEL WILDFIRE_BINARY WILDFIRE_FAULTY
GUEST_KERNEL=$("$here/build.sh" path)
[ -x "$GUEST_KERNEL" ] || { echo "test.sh: no kernel: make kernel" >&2; exit 1; }
mkdir -p "$root/build/kernel"
out=$(mktemp -d "$root/build/kernel/suites.XXXXXX")
WILDFIRE_BINARY=$out/wildfire-watch WILDFIRE_FAULTY=$out/wildfire-watch-faulty
pids=()
trap '[ ${#pids[@]} -eq 0 ] || kill -TERM "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$out"' EXIT
trap 'exit 130' INT TERM

# suites TAG prints import path and folder of each package with tests of that tag.
suites() {
	"$go" list -tags "$1" -f '{{$p := .}}{{range .TestGoFiles}}{{$p.ImportPath}} {{$p.Dir}} {{.}}{{"\n"}}{{end}}{{range .XTestGoFiles}}{{$p.ImportPath}} {{$p.Dir}} {{.}}{{"\n"}}{{end}}' ./... |
		grep "_$1_test\.go$" | cut -d' ' -f1,2 | sort -u | { grep -F -- "$pattern" || true; } | { grep -vE -- "${EXCEPT:-^$}" || true; }
}

# directive NAME FOLDER prints what a suite asks for.
directive() { sed -n "s|^//guest:$1 ||p" "$2"/*_kernel_test.go | tr '\n' ' '; }

# verdict NAME STATUS SECONDS LOG says how a suite went, and counts.
failed=0 passed=0
verdict() {
	local tests
	tests=$(grep -c '^--- PASS' "$4" || true)
	if [ "$2" -eq 0 ] && [ "$tests" -gt 0 ]; then
		printf 'ok    %-44s %4d s  %d tests\n' "$1" "$3" "$tests"
		passed=$((passed + 1))
		if [ -n "$verbose" ]; then cat "$4"; else grep '^figure: ' "$4" || true; fi
		return
	fi
	failed=$((failed + 1))
	[ "$2" -ne 0 ] || printf 'FAIL  %-44s it ran no test\n' "$1"
	cat "$4"
	printf 'FAIL  %-44s %4d s  exit status %d\n' "$1" "$3" "$2"
}

guest=() host=()
while read -r path folder; do guest+=("$path $folder"); done < <(suites kernel)
while read -r path folder; do host+=("$path $folder"); done < <(suites kernelhost)
[ $((${#guest[@]} + ${#host[@]})) -gt 0 ] || { echo "test.sh: no suite matches ${pattern:-anything}" >&2; exit 1; }

"$go" build -trimpath -ldflags '-s -w' -o "$WILDFIRE_BINARY" .
"$go" build -trimpath -ldflags '-s -w' -tags faults -o "$WILDFIRE_FAULTY" .

# one PATH FOLDER runs a suite in a guest; its end and time are written beside its log.
one() {
	local name=${1//\//_} start=$SECONDS status=0 run guest
	run=$(directive run "$2")
	cd "$2"
	# shellcheck disable=SC2046 # options are words
	"$GUEST" $(directive options "$2") "$out/$name.test" -test.v -test.timeout 0 \
		${run:+-test.run "${run% }"} >"$out/$name.log" 2>&1 &
	guest=$!
	trap 'kill -TERM $guest' TERM
	wait $guest || status=$?
	echo "$status $((SECONDS - start))" >"$out/$name.end"
}

# All compilers are done before the first guest starts: times are measured there.
for suite in ${guest[@]+"${guest[@]}"}; do
	read -r path folder <<<"$suite"
	"$go" test -c -tags kernel -o "$out/${path//\//_}.test" "$folder"
done
alone=()
for suite in ${guest[@]+"${guest[@]}"}; do
	read -r path folder <<<"$suite"
	if grep -q '^//guest:alone' "$folder"/*_kernel_test.go; then
		alone+=("$suite")
		continue
	fi
	while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n || true; done
	one "$path" "$folder" &
	pids+=($!)
done
wait
for suite in ${alone[@]+"${alone[@]}"}; do
	read -r path folder <<<"$suite"
	one "$path" "$folder" &
	pids=($!)
	wait
done
pids=()
for suite in ${guest[@]+"${guest[@]}"}; do
	read -r path _ <<<"$suite"
	name=${path//\//_}
	read -r status took <"$out/$name.end"
	verdict "$path" "$status" "$took" "$out/$name.log"
done
for suite in ${host[@]+"${host[@]}"}; do
	read -r path folder <<<"$suite"
	start=$SECONDS status=0
	"$go" test -tags kernelhost -count 1 -v -timeout 20m "$folder" >"$out/host.log" 2>&1 || status=$?
	verdict "$path (outside)" "$status" $((SECONDS - start)) "$out/host.log"
done
echo "$passed suites passed, $failed failed, $SECONDS s"
[ "$failed" -eq 0 ]

#!/usr/bin/env bash
# Every gate, one after another; it goes on after a failure and ends with one line: N passed, N failed.
# A suite is any command; its tests are counted from cmocka's or unittest's summary, or from a line
# "…: N passed, N failed[, N skipped]" of its own.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
build=$1
sanitized=$2
# LOGS=FOLDER keeps what every suite said: matrices, tables, figures.
if [ -n "${LOGS:-}" ]; then
	mkdir -p "$LOGS" || exit 1
	logs=$(cd "$LOGS" && pwd)
else
	logs=$(mktemp -d)
	trap 'rm -rf "$logs"' EXIT
fi
passed=0
failed=0
skipped=0
JOBS=${JOBS:-$(nproc)}

python=${PYTHON:?call ci/run.sh test: it finds a Python that has boto3}

sum() { # FILE PATTERN [GROUP]: the sum of the group, the first unless told, of every match
	sed -nE "s/$2/\\${3:-1}/p" "$1" | awk '{ n += $1 } END { print n + 0 }'
}

# Sets good, bad and left from the log of a suite. unittest's count is used where no line says it.
count() { # FILE
	good=$(($(sum "$1" '^\[  PASSED  \] ([0-9]+) test.*') + $(sum "$1" '^.*: ([0-9]+) passed, [0-9]+ failed.*')))
	bad=$(($(sum "$1" '^\[  FAILED  \] ([0-9]+) test\(s\).*') + $(sum "$1" '^.*: [0-9]+ passed, ([0-9]+) failed.*')))
	left=$(($(sum "$1" '^.*: [0-9]+ passed, [0-9]+ failed, ([0-9]+) skipped.*') + $(sum "$1" '^\[  SKIPPED \] ([0-9]+) test.*')))
	[ $((good + bad + left)) -eq 0 ] || return 0
	bad=$(($(sum "$1" '^FAILED \(.*failures=([0-9]+).*') + $(sum "$1" '^FAILED \(.*errors=([0-9]+).*')))
	left=$(sum "$1" '^(OK|FAILED) \(.*skipped=([0-9]+).*' 2)
	good=$(($(sum "$1" '^Ran ([0-9]+) tests? in .*') - bad - left))
	[ "$good" -ge 0 ] || good=0
}

log_of() { # NAME
	echo "$logs/$(echo "$1" | tr -c 'a-z0-9\n' '_')"
}

run() { # NAME COMMAND…: keeps what it said, how it ended and how long it took
	local name=$1 log status=0 begun=$SECONDS
	shift
	log=$(log_of "$name")
	"$@" >"$log" 2>&1 || status=$?
	echo "$status $((SECONDS - begun))" >"$log.end"
}

report() { # NAME: counts it, and says what came of it
	local name=$1 log status seconds good bad left
	log=$(log_of "$name")
	read -r status seconds <"$log.end"
	rm -f "$log.end"
	count "$log"
	# A suite that breaks down without a count, or counts nothing, is a failure of its own.
	if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
	if [ $((good + bad + left)) -eq 0 ]; then bad=1; fi
	passed=$((passed + good))
	failed=$((failed + bad))
	skipped=$((skipped + left))
	if [ "$bad" -gt 0 ]; then
		printf '%-28s FAILED: %d passed, %d failed, exit status %d (%d s)\n' \
			"$name" "$good" "$bad" "$status" "$seconds"
		tail -n 60 "$log"
	else
		printf '%-28s ok, %d passed%s (%d s)\n' "$name" "$good" \
			"$([ "$left" -gt 0 ] && echo ", $left skipped")" "$seconds"
	fi
	grep -E "^skip:|^skipped: |skipped ['\"]" "$log"
	return 0
}

suite() { # NAME COMMAND…
	run "$@"
	report "$1"
}

built() { # NAME COMMAND…: a step without tests of its own counts as one
	local name=$1
	shift
	"$@" && echo "$name: 1 passed, 0 failed"
}

build_release() {
	cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release && cmake --build "$build" -j "$JOBS"
}
build_sanitized() {
	cmake -S . -B "$sanitized" -G Ninja -DTANDEM_SANITIZE=ON && cmake --build "$sanitized" -j "$JOBS"
}
build_clang() {
	cmake -S . -B "$build-clang" -G Ninja -DCMAKE_C_COMPILER=clang && cmake --build "$build-clang" -j "$JOBS"
}
unit() { # TEST FOLDER: what it said is kept until all are done
	"$1" >"$2/$(basename "$1")" 2>&1 || touch "$2/failed"
}
export -f unit
units() { # FOLDER
	local test said status=0
	said=$(mktemp -d)
	for test in "$1"/tests/*_test; do
		case $test in */postgres_test | */mysql_test) continue ;; esac # needs a server
		printf '%s\0' "$test"
	done | xargs -0 -P "$JOBS" -I TEST bash -c "unit TEST $said"
	[ ! -e "$said/failed" ] || status=1
	rm -f "$said/failed"
	cat "$said"/*
	rm -rf "$said"
	return $status
}
mysql_client() {
	if ! ci/fetch_mysql.sh; then
		echo "skip: MySQL's server could not be had, so nothing of its client's was tested with it"
		echo "MySQL client: 0 passed, 0 failed, 1 skipped"
		return 0
	fi
	"$python" tests/stack/with_stack.py --mysql -- "$sanitized/tests/mysql_test"
}
demo() {
	"$python" tests/demo/demo.py --build-dir "$build" --rotations 4 --svg "$logs/timeline.svg" &&
		echo "demo: 1 passed, 0 failed"
}

name_of() { # FILE of an integration test
	basename "$1" .py | tr _ ' '
}
integrate() { # FILE
	run "$(name_of "$1")" "$python" "$1" --build-dir "$sanitized" --verbose
}
export -f log_of run name_of integrate
export logs python sanitized
# Each has servers of its own and waits more than it works: two at a time, told in their order. By
# xargs, so that an interrupt ends them too.
integration() {
	local test tests=()
	for test in tests/integration/*_test.py; do
		case $test in */residue_test.py) continue ;; esac # of the release build, and alone
		tests+=("$test")
	done
	printf '%s\0' "${tests[@]}" | xargs -0 -P 2 -I TEST bash -c "integrate TEST"
	for test in "${tests[@]}"; do
		report "$(name_of "$test")"
	done
}

export TANDEM_SANDBOX=$sanitized/tests/tandem-sandbox
suite "build, release" built "build" build_release
suite "build, sanitizers" built "build" build_sanitized
suite "build, clang" built "build" build_clang
suite "units, release" units "$build"
suite "units, clang" units "$build-clang"
suite "units, sanitizers" units "$sanitized"
suite "PostgreSQL client" "$python" tests/stack/with_stack.py --postgres -- "$sanitized/tests/postgres_test"
suite "MariaDB client" "$python" tests/stack/with_stack.py --mariadb -- "$sanitized/tests/mysql_test"
suite "MySQL client" mysql_client
suite "sandbox and AWS's clients" "$python" tests/sandbox/sandbox_check.py "$sanitized/tests/tandem-sandbox"
suite "test tooling" "$python" -m unittest discover -s tests/stack -t tests -p '*_test.py'
suite "demo's own units" "$python" -m unittest discover -s tests/demo -t tests -p '*_test.py'
suite "torture's own units" "$python" -m unittest discover -s tests/torture -t tests -p '*_test.py'
suite "residue test" "$python" tests/integration/residue_test.py --build-dir "$build" --verbose
integration
suite "demo" demo
# The short forms of the proofs; ci/run.sh torture, fuzz, mutate, valgrind and coverage are the long ones.
suite "model" "$python" tests/model/model.py
suite "kill" "$python" tests/torture/kill.py --build-dir "$build" --seconds 60
suite "hostile network" "$python" tests/torture/network.py --build-dir "$build"
suite "throttling storm" "$python" tests/torture/storm.py --build-dir "$build" --rotations 8
suite "no memory" "$python" tests/torture/memory.py --build-dir "$build" --seconds 20
for engine in postgres mariadb mysql; do
	suite "kill, one user, $engine" "$python" tests/torture/kill_single.py --build-dir "$build" --engine $engine --seconds 8
done
for engine in mariadb mysql; do
	suite "kill, $engine" "$python" tests/torture/kill.py --build-dir "$build" --engine $engine --seconds 20
	suite "hostile network, $engine" "$python" tests/torture/network.py --build-dir "$build" --engine $engine --seconds 25
	suite "no memory, $engine" "$python" tests/torture/memory.py --build-dir "$build" --engine $engine --seconds 10
done
suite "fuzzing" "$python" tests/fuzz/fuzz.py 2
suite "mutation" "$python" ci/mutate.py --sample 15
suite "valgrind, two rotations" "$python" ci/valgrind.py --build-dir "$build" "tandem rotate" "a Lambda function"
suite "analyzers" "$python" ci/analyze.py
suite "lint" ci/lint.sh "$build-clang"

if [ "$skipped" -gt 0 ]; then
	echo "$passed passed, $failed failed, $skipped skipped"
else
	echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]

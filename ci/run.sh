#!/usr/bin/env bash
# The one entry for people and CI. `ci/run.sh` alone lists what it can do.
set -euo pipefail
cd "$(dirname "$0")/.."

BUILD=${BUILD:-build}
SANITIZED=${SANITIZED:-build-sanitized}
JOBS=${JOBS:-$(nproc)}

BUILD_PACKAGES=(gcc cmake ninja-build pkg-config libc6-dev libcjson-dev libcurl4-openssl-dev libssl-dev
	libexpat1-dev libpq-dev libmariadb-dev libcmocka-dev libmicrohttpd-dev)
RUN_PACKAGES=(postgresql pgbouncer mariadb-server-core libmariadb3 openssl ca-certificates util-linux)
LINT_PACKAGES=(git clang clang-format clang-tidy shellcheck)
PROOF_PACKAGES=(strace spin valgrind libclang-rt-14-dev)

# An interpreter that knows boto3: the first in PATH may be another one than Debian's, and lack it.
find_python() {
	local python
	for python in "${PYTHON:-}" python3 /usr/bin/python3; do
		if [ -n "$python" ] && "$python" -c 'import boto3' 2>/dev/null; then
			command -v "$python"
			return
		fi
	done
	return 1
}

install() {
	local missing=() package
	for package in "$@"; do
		dpkg-query -W -f='${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed' ||
			missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	local as_root=()
	if [ "$(id -u)" -ne 0 ]; then
		if ! command -v sudo >/dev/null; then
			echo "setup: as root: apt-get install -y --no-install-recommends ${missing[*]}" >&2
			return 1
		fi
		as_root=(sudo)
	fi
	echo "setup: installing ${missing[*]}"
	"${as_root[@]}" apt-get -q update >/dev/null
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get -q install -y --no-install-recommends "${missing[@]}" >/dev/null
}

run_setup() { # install what building, testing and the demo need (Debian 12)
	if ! command -v dpkg-query >/dev/null; then
		echo "setup: this is no Debian: install these by hand:" \
			"${BUILD_PACKAGES[*]} ${RUN_PACKAGES[*]} ${LINT_PACKAGES[*]} ${PROOF_PACKAGES[*]}" \
			"python3-boto3 awscli" >&2
		return 1
	fi
	install "${BUILD_PACKAGES[@]}" "${RUN_PACKAGES[@]}" "${LINT_PACKAGES[@]}" "${PROOF_PACKAGES[@]}"
	find_python >/dev/null || install python3 python3-boto3
	command -v aws >/dev/null || install awscli
}

run_mysql() { # fetch a real MySQL, which Debian 12 does not have, for the demo and the tests
	ci/fetch_mysql.sh
}

configure() { # FOLDER OPTIONS…
	local folder=$1
	shift
	cmake -S . -B "$folder" -G Ninja "$@" >"$folder.log" 2>&1 || {
		cat "$folder.log" >&2
		return 1
	}
	rm -f "$folder.log"
}

run_build() { # build the program: build/tandem
	run_setup
	configure "$BUILD" -DCMAKE_BUILD_TYPE=Release
	cmake --build "$BUILD" -j "$JOBS"
}

quiet_build() { # what is being installed is told, what is being compiled is not
	run_setup
	echo "build: $BUILD/tandem"
	run_build >/dev/null
}

run_demo() { # rotate real passwords while clients log in without pause (ENGINE=mariadb or mysql; KEEP=1)
	quiet_build
	local python arguments=(--build-dir "$BUILD" --svg "${SVG:-$BUILD/timeline.svg}" --engine "${ENGINE:-postgres}")
	[ "${ENGINE:-}" != mysql ] || ci/fetch_mysql.sh
	python=$(find_python)
	[ "${KEEP:-0}" = 1 ] && arguments+=(--keep)
	"$python" tests/demo/demo.py "${arguments[@]}" "$@"
}

run_lint() { # layers, banned calls, format, clang-tidy, shellcheck
	run_setup
	configure "$BUILD-clang" -DCMAKE_C_COMPILER=clang
	ci/lint.sh "$BUILD-clang"
}

run_format() { # rewrite the sources as .clang-format wants them
	install clang-format
	git ls-files '*.c' '*.h' | xargs clang-format -i
}

run_test() { # everything: units, real servers, independent clients, lint, sanitizers
	run_setup
	ci/fetch_mysql.sh || true # without it the tests that need it are skipped, and say so
	PYTHON=$(find_python) ci/test.sh "$BUILD" "$SANITIZED"
}

integrate() { # ENGINE PYTHON
	local client class status=0
	case $1 in
	postgres) client=postgres_test class='' ;;
	mariadb) client=mysql_test class=OnMariaDB ;;
	mysql) client=mysql_test class=OnMySQL && ci/fetch_mysql.sh ;;
	*) echo "integration: '$1' is none of: postgres mariadb mysql" >&2 && return 2 ;;
	esac
	printf '\n== %s\n' "$1"
	"$2" tests/stack/with_stack.py --build-dir "$BUILD" "--$1" -- "$BUILD/tests/$client" || status=1
	"$2" tests/integration/rotation_test.py --build-dir "$BUILD" --verbose "Rotation$class" || status=1
	"$2" tests/integration/single_user_test.py --build-dir "$BUILD" --verbose "SingleUser$class" || status=1
	return $status
}

run_integration() { # [ENGINE…]: client, whole rotations, one user, on real servers: postgres mariadb mysql
	local python engine failed=()
	quiet_build
	python=$(find_python)
	[ $# -gt 0 ] || set -- postgres mariadb mysql
	for engine; do
		integrate "$engine" "$python" || failed+=("$engine")
	done
	echo "integration: $(($# - ${#failed[@]})) engines passed, ${#failed[@]} failed${failed[*]:+: ${failed[*]}}"
	[ ${#failed[@]} -eq 0 ]
}

run_bench() { # start-up, memory, calls and connections of a rotation, as a table and as JSON
	quiet_build
	"$(find_python)" tests/bench/bench.py --build-dir "$BUILD" --engine "${ENGINE:-postgres}" "$@"
}

TORTURE_PARTS=(ports kill network storm concurrency memory residue)

each_engine() { # COMMAND…: with --engine for the one that ENGINE names, or for every one in turn
	local engine status=0
	for engine in ${ENGINE:-postgres mariadb mysql}; do
		printf '%s\n' "-- $engine"
		"$@" --engine "$engine" || status=1
	done
	return $status
}

residue() { # PYTHON
	local classes=()
	case ${ENGINE:-} in
	postgres) classes=(Residue) ;;
	mariadb) classes=(ResidueMariaDB) ;;
	mysql) classes=(ResidueMySQL) ;;
	esac
	"$1" tests/integration/residue_test.py --build-dir "$BUILD" --verbose "${classes[@]}"
}

torture_part() { # NAME PYTHON
	local status=0
	case $1 in
	ports) "$BUILD/tests/torture_test" ;;
	kill)
		each_engine "$2" tests/torture/kill.py --build-dir "$BUILD" --self-test || status=1
		each_engine "$2" tests/torture/kill.py --build-dir "$BUILD" || status=1
		each_engine "$2" tests/torture/kill_single.py --build-dir "$BUILD" || status=1
		return $status
		;;
	network) each_engine "$2" tests/torture/network.py --build-dir "$BUILD" --full ;;
	storm) each_engine "$2" tests/torture/storm.py --build-dir "$BUILD" ;;
	concurrency) each_engine "$2" tests/integration/concurrency_test.py --build-dir "$BUILD" --verbose ;;
	memory) each_engine "$2" tests/torture/memory.py --build-dir "$BUILD" --alternate --seconds 240 ;;
	residue) residue "$2" ;;
	*) echo "torture: '$1' is no part of it: ${TORTURE_PARTS[*]}" >&2 && return 2 ;;
	esac
}

skipped_in() { # LOG: did the part leave anything out? By a line of ours, unittest's or cmocka's
	grep -qE '^skip:|: [0-9]+ passed, .*[1-9][0-9]* skipped|^(OK|FAILED) \(.*skipped=|^\[  SKIPPED ] [1-9]' "$1"
}

run_torture() { # every fault in turn, long forms; [PART…]: these only; ENGINE=…: with that engine only; a skip fails but for ALLOW_SKIPS=1
	quiet_build
	ci/fetch_mysql.sh || true # without it what needs it is skipped, and says so
	local python part log failed=() skipped=() passed=0
	python=$(find_python)
	log=$(mktemp)
	[ $# -gt 0 ] || set -- "${TORTURE_PARTS[@]}"
	export PYTHONUNBUFFERED=1 # into a pipe, and yet line by line
	for part; do
		printf '\n== %s\n' "$part"
		if ! torture_part "$part" "$python" 2>&1 | tee "$log"; then
			failed+=("$part")
		elif skipped_in "$log"; then
			skipped+=("$part")
		else
			passed=$((passed + 1))
		fi
	done
	rm -f "$log"
	printf '\ntorture: %d passed, %d failed%s, %d skipped%s\n' "$passed" ${#failed[@]} \
		"${failed[*]:+: ${failed[*]}}" ${#skipped[@]} "${skipped[*]:+, or in part: ${skipped[*]}}"
	[ ${#failed[@]} -eq 0 ] || return 1
	if [ ${#skipped[@]} -gt 0 ] && [ "${ALLOW_SKIPS:-0}" != 1 ]; then
		echo "torture: what was skipped is not proven: see the lines \"skip:\" above, or set ALLOW_SKIPS=1" >&2
		return 1
	fi
}

run_model() { # every state of two rotations, checked by spin; and faults that it must find
	run_setup
	"$(find_python)" tests/model/model.py "$@"
}

run_fuzz() { # SECONDS [TARGET…]: every parser that takes bytes from outside
	run_setup
	"$(find_python)" tests/fuzz/fuzz.py "${@:-60}"
}

run_valgrind() { # all tests once under memcheck, and two whole rotations
	quiet_build
	"$(find_python)" ci/valgrind.py --build-dir "$BUILD" "$@"
}

run_analyze() { # gcc's and clang's static analyzers
	run_setup
	"$(find_python)" ci/analyze.py "$@"
}

run_coverage() { # lines and branches that the tests reach; those of steps and core must all be
	run_setup
	"$(find_python)" ci/coverage.py "$@"
}

run_mutate() { # break the steps and the plan, one change at a time; [FILE…]: others
	run_setup
	"$(find_python)" ci/mutate.py "$@"
}

usage() {
	echo "usage: ci/run.sh COMMAND"
	sed -n 's/^run_\([a-z]*\)() { # \(.*\)/\1\t\2/p' "$0" | expand -t 12 | sed 's/^/  /'
}

command=${1:-}
if [ -z "$command" ] || ! declare -F "run_$command" >/dev/null; then
	usage >&2
	exit 2
fi
shift
"run_$command" "$@"

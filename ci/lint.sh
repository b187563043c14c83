#!/usr/bin/env bash
# What the compiler does not say: layers, banned calls, who may look into a secret, format, clang-tidy
# and shellcheck. Prints a line for each check and ends with the counts. Takes the build folder whose
# compile_commands.json clang-tidy reads: one made for clang, whose warnings it knows.
set -uo pipefail
shopt -s lastpipe # `… | check` counts in this shell
cd "$(dirname "$0")/.." || exit 1
build=${1:-build-clang}
passed=0
failed=0

# check NAME: fails when there is anything on standard input, and shows it.
check() {
	local found
	found=$(cat)
	if [ -z "$found" ]; then
		passed=$((passed + 1))
		echo "lint ok: $1"
	else
		failed=$((failed + 1))
		echo "lint FAILED: $1"
		echo "$found" | head -n 40
	fi
}

sources() { git ls-files --cached --others --exclude-standard "$@"; }
# Without a list of files every check below would find nothing, and pass.
if [ "$(sources 'src/main.c' 2>&1)" != src/main.c ]; then
	echo "lint: git does not list the sources: is git installed, is this a checkout?"
	exit 1
fi
includes() { # FOLDER: its #includes of ours and of libraries
	sources "src/$1/*.[ch]" | xargs grep -nHE '^#include' --
}

# The layers. Allowed by a pattern each; everything else that is ours, or a library, is a breach.
# In a pathspec of git * matches / too: 'src/*.c' is every source at any depth.
libc='<(ctype|errno|getopt|limits|malloc|poll|stdarg|stdbool|stddef|stdint|stdio|stdlib|string|strings|time|unistd)\.h>'
includes core | grep -vE "\"core/|<cjson/cJSON.h>|$libc" | check "core uses libc and cJSON only"
includes steps | grep -vE "\"(core|steps)/|$libc" | check "steps use core only"
includes clients | grep -E '"(steps|runtime)/' | check "clients never use steps or runtime"
includes clients/http | grep -E '"clients/' | grep -v '"clients/http/' | check "http uses core only"
process='<(signal|sys/resource)\.h>'
includes runtime | grep -vE "\"(core|steps|runtime|clients/http)/|$libc|$process" | check "runtime uses of clients only http"
sources 'src/*.[ch]' | xargs grep -nHE '"(steps|runtime)/' -- |
	grep -vE '^src/(steps|runtime)/|^src/main\.c' | check "only main.c wires the layers"

# shellcheck disable=SC2016 # the dollar signs are the patterns'
sources 'src/*.[ch]' | xargs grep -nHE \
	'\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|system|popen|alloca|setjmp|signal)\s*\(' -- |
	check "no banned call"
sources 'src/*.[ch]' | xargs grep -nHE '\bgoto\b|typedef (struct|enum|union)' -- | check "no goto, no struct typedef"
sources 'src/*' 'tests/*' 'ci/*' | xargs grep -nHE '\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b' -- |
	check "no unfinished mark"
sources 'src/*.[ch]' | xargs wc -l | awk '$2 != "total" && $1 > 500' | check "no file of more than 500 lines"

# secret_reveal() is the only way to a secret's bytes: these files hold the innermost calls.
reveals='^src/(core/(secret\.[ch]|credential\.c)|clients/aws/(call|credentials|secrets_(read|write)|sigv4)\.c'
reveals+='|clients/sql/(place|postgres_(session|users)|mysql_(session|users|hash))\.c):'
sources 'src/*.[ch]' | xargs grep -nH 'secret_reveal(' -- | grep -vE "$reveals" | check "secret_reveal() where it is allowed"
sources 'src/*.c' | xargs grep -nHE '\b(secure_)?getenv\b' -- |
	grep -vE '^src/(main|runtime/cli|clients/sql/ca_bundle)\.c' | check "the environment is read in one place"

# What the documents call a test is one: a name of four words or more in code quotes.
# shellcheck disable=SC2016 # the backquotes are Markdown's
sources 'docs/*.md' 'README.md' | xargs grep -ohE '`[a-z]+(_[a-z0-9]+){3,}`' -- | tr -d '`' | sort -u |
	while read -r name; do
		git grep -qw --untracked "$name" -- tests || echo "no test is called $name"
	done | check "the tests that the documents name exist"

sources '*.c' '*.h' | xargs clang-format --dry-run 2>&1 | check "format (ci/run.sh format mends it)"
sources '*.sh' '.ci/run' | xargs shellcheck 2>&1 | check "shellcheck"
sources '*.py' | xargs python3 -m py_compile 2>&1 | check "python compiles"

tidy() {
	sources 'src/*.c' |
		xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p "$build" 2>/dev/null | grep -E '(warning|error):'
}
if ! command -v clang-tidy >/dev/null; then
	echo "clang-tidy is not installed: ci/run.sh setup" | check "clang-tidy"
elif [ ! -f "$build/compile_commands.json" ]; then
	echo "no $build/compile_commands.json: run ci/run.sh lint" | check "clang-tidy"
else
	tidy | check "clang-tidy"
fi

echo "lint: $passed passed, $failed failed"
[ "$failed" -eq 0 ]

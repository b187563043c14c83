#!/usr/bin/env bash
# Unpacks a real MySQL server, which Debian 12 does not have, into TANDEM_MYSQL_DIR: Debian sid's
# mysql-server-core with every library it needs, libc and its loader among them. Nothing is installed:
# apt works on lists and a cache of its own, and believes that the system is empty. It checks the
# archive's signatures as always. The second time it is there already.
set -euo pipefail

target=${TANDEM_MYSQL_DIR:-/var/cache/tandem/mysql}
mirror=${TANDEM_MYSQL_MIRROR:-http://deb.debian.org/debian}
keys=/usr/share/keyrings/debian-archive-keyring.gpg

fail() {
	echo "fetch_mysql: $1" >&2
	exit 1
}

if [ -x "$target/usr/sbin/mysqld" ]; then
	echo "fetch_mysql: MySQL is in $target"
	exit 0
fi
[ ! -e "$target" ] || fail "$target is there and is no MySQL of ours: remove it, or set TANDEM_MYSQL_DIR"
for tool in apt-get dpkg-deb gpgv; do
	command -v "$tool" >/dev/null || fail "this needs Debian's $tool"
done
[ -r "$keys" ] || fail "$keys is missing: install debian-archive-keyring"
parent=$(dirname "$target")
if ! mkdir -p "$parent" 2>/dev/null || [ ! -w "$parent" ]; then
	fail "cannot write to $parent: set TANDEM_MYSQL_DIR"
fi

work=$(mktemp -d "$parent/.mysql-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{etc/apt.conf.d,etc/preferences.d,state/lists/partial,cache/archives/partial,unpacked}
: >"$work/state/status"
echo "deb [signed-by=$keys] $mirror sid main" >"$work/etc/sources.list"
# Min-ValidTime: a mirror that was frozen for up to half a year will do, since this serves tests only.
cat >"$work/apt.conf" <<CONF
Dir::Etc "$work/etc";
Dir::State "$work/state";
Dir::State::status "$work/state/status";
Dir::Cache "$work/cache";
APT::Sandbox::User "$(id -un)";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::Min-ValidTime "15552000";
APT::Update::Error-Mode "any";
CONF
apt-config dump | grep '^Acquire::[a-z]*::Proxy ' >>"$work/apt.conf" || true # the system's way out

apt() {
	APT_CONFIG=$work/apt.conf apt-get -q -y "$@" >"$work/log" 2>&1
}
reason() {
	grep -m 1 '^E: ' "$work/log" || tail -n 1 "$work/log"
}
apt update || fail "the package lists of sid could not be had from $mirror: $(reason)"
apt --download-only install mysql-server-core || fail "sid's mysql-server-core could not be had: $(reason)"
for package in "$work"/cache/archives/*.deb; do
	case ${package##*/} in perl* | libperl*) continue ;; esac # for scripts, and none is run
	dpkg-deb -x "$package" "$work/unpacked"
done

loader=$(find "$work/unpacked/usr/lib" -path '*-linux-gnu*/ld-linux-*.so.*' | head -n 1)
[ -n "$loader" ] || fail "libc6 of sid has no loader where it is expected"
version=$("$loader" --library-path "${loader%/*}" "$work/unpacked/usr/sbin/mysqld" --no-defaults --version 2>&1) ||
	fail "the server that was fetched does not start: $version"
version=${version##*Ver }
chmod 755 "$work/unpacked"
mv -T "$work/unpacked" "$target" || fail "somebody else has put something into $target meanwhile"
echo "fetch_mysql: MySQL ${version%% *} is in $target"

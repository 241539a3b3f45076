#!/bin/sh
# Makes sure that programs are there: need.sh WHAT PROGRAM..., where PROGRAM is one of the names in the two tables below.
# On Debian and its descendants it installs what is missing and says so; elsewhere it says what to install. What is there
# already is left alone.
set -eu

what=$1
shift

# there tells whether a program is there.
there() {
	case $1 in
	postgres) # Debian keeps the server's programs out of PATH
		command -v initdb >/dev/null 2>&1 && return
		for initdb in /usr/lib/postgresql/*/bin/initdb /opt/homebrew/opt/postgresql*/bin/initdb /usr/local/opt/postgresql*/bin/initdb; do
			[ ! -x "$initdb" ] || return 0
		done
		return 1
		;;
	redis) command -v redis-server >/dev/null 2>&1 || command -v valkey-server >/dev/null 2>&1 ;;
	gcc) command -v "${CC:-gcc}" >/dev/null 2>&1 && echo '#include <stdlib.h>' | "${CC:-gcc}" -E - >/dev/null 2>&1 ;;
	*) command -v "$1" >/dev/null 2>&1 ;;
	esac
}

# package_of is the Debian package, or packages, with a program.
package_of() {
	case $1 in
	postgres) echo postgresql ;;
	redis) echo redis-server ;;
	xmllint) echo libxml2-utils ;;
	node) echo nodejs ;;
	gcc) echo gcc libc6-dev ;;
	*) echo "$1" ;;
	esac
}

# brew_of is the Homebrew formula with a program.
brew_of() {
	case $1 in
	postgres) echo postgresql@17 ;;
	xmllint) echo libxml2 ;;
	npm) echo node ;;
	*) echo "$1" ;;
	esac
}

missing=''
packages=''
formulas=''
for program in "$@"; do
	there "$program" && continue
	missing="$missing $program"
	packages="$packages $(package_of "$program")"
	formulas="$formulas $(brew_of "$program")"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "$what needs:$missing. Not found on this machine." >&2
	if [ "$(uname)" = Darwin ]; then
		echo "Install them with: brew install$formulas" >&2
	else
		echo "Install them with your system's package manager (on Debian they are called:$packages)." >&2
	fi
	exit 1
fi

if [ "$(id -u)" = 0 ]; then
	root=''
elif command -v sudo >/dev/null 2>&1; then
	root=sudo
else
	echo "$what needs:$missing. Installing them takes root, and there is no sudo here; as root, run: apt-get install -y$packages" >&2
	exit 1
fi

echo "$what needs:$missing. Installing with${root:+ $root} apt-get:$packages"
# shellcheck disable=SC2086 # lists of words
{
	$root apt-get -qq update
	$root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $packages </dev/null >/dev/null
}
case "$packages" in
*postgresql* | *redis-server*)
	echo "Debian may have started services of its own for them. Doorzet does not use those: it starts private ones that end with it."
	;;
esac

#!/bin/sh
# Installs Debian packages that a test or the benchmark needs:  scripts/install-debian-packages.sh PACKAGE ...
# Does nothing when they are there. No service that comes with one of them is started.
set -eu

look() {
    missing=""
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q "ok installed" || missing="$missing $package"
    done
    [ -n "$missing" ] || exit 0
}

look "$@"

if ! command -v apt-get >/dev/null 2>&1; then
    echo "install-debian-packages: there is no apt-get here; install by hand what Debian calls:$missing" >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    echo "install-debian-packages: this needs root; run: sudo apt-get install$missing" >&2
    exit 1
fi

# One at a time: tests that run side by side may ask for the same packages.
exec 9</var/lib/dpkg
flock 9
look "$@"

# invoke-rc.d asks this program whether a service may start; 101 means no (Debian Policy 9.3.3).
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi

export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
# shellcheck disable=SC2086 # one word a package
if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "install-debian-packages: apt-get could not install:$missing" >&2
    exit 1
fi
rm -f "$log"

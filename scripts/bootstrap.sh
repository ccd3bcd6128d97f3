#!/bin/sh
# Makes the project's environment in .venv: exactly the locked packages, each checked against its hash.
# Does nothing (in a few milliseconds) when that is done already. `bootstrap.sh dev` adds what the tests need.
# PYTHON names the interpreter to use; default: the first of python3, python3.14 ... python3.11 that is 3.11 or newer.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "make: $*" >&2
    exit 1
}

is_new_enough() {
    command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if is_new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed, and neither python3 nor python3.11 ... python3.14 is one" \
        "(set PYTHON to the one to use, or install it: apt-get install python3 python3-venv)"
}

# Debian and Ubuntu leave venv and ensurepip out of python3.
need_venv() {
    "$1" -c 'import venv, ensurepip' >/dev/null 2>&1 && return
    version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    package=python$version-venv
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        scripts/install-debian-packages.sh "$package"
        "$1" -c 'import venv, ensurepip' >/dev/null 2>&1 && return
    fi
    fail "Python's venv module is missing for $1; on Debian or Ubuntu run: sudo apt-get install $package"
}

# What an environment was made from.
state() {
    cksum "$@"
}

# Whole, and made in this very folder: its scripts hold absolute paths, so a moved one is useless.
is_usable() {
    .venv/bin/python -m pip -V >/dev/null 2>&1 && grep -qF "$PWD/.venv" .venv/bin/activate 2>/dev/null
}

install() {
    # --no-deps: the lock is complete, so nothing may be resolved anew.
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps "$@" ||
        fail "the packages could not be installed (pip's own words are above)"
}

runtime_files="requirements.txt pyproject.toml setup.py scripts/bootstrap.sh"
dev_files="requirements-dev.txt $runtime_files"

if [ ! -x .venv/bin/ses ] || ! grep -qF "$PWD/.venv" .venv/bin/activate || [ "$(state $runtime_files)" != "$(cat .venv/installed 2>/dev/null)" ]; then
    if ! is_usable; then
        python=$(find_python)
        need_venv "$python"
        echo "Making .venv with $("$python" -V) ..."
        "$python" -m venv --clear .venv || fail "$python could not make the environment .venv"
    fi
    rm -f .venv/installed .venv/installed-dev
    echo "Installing the locked packages into .venv (the first time takes a minute or two) ..."
    install --require-hashes -r requirements.txt
    # --no-build-isolation: the build backend is the locked one too.
    install --no-build-isolation -e .
    # An earlier version's build left it: Airflow would find the plugin twice.
    rm -rf plugins/ses_ops.egg-info
    state $runtime_files >.venv/installed
fi

if [ "${1:-}" = dev ] && [ "$(state $dev_files)" != "$(cat .venv/installed-dev 2>/dev/null)" ]; then
    echo "Installing what the tests and checks need ..."
    install --require-hashes -r requirements-dev.txt
    state $dev_files >.venv/installed-dev
fi

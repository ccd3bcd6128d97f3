#!/bin/sh
# Installs ses-ops into a virtual environment: the only way the production image installs anything of Python, and
# what tests/unit/deploy/test_install.py runs on a clean directory.
#
#   deploy/install.sh dependencies PREFIX   the locked packages, each checked against its hash
#   deploy/install.sh project PREFIX        this repository, linked into PREFIX (dags/ and plugins/ stay where they are)
#
# The two steps are apart so that an image's layer with the dependencies outlives a change of our own code.
# PYTHON names the interpreter that PREFIX is made with; python3 by default.
set -eu

usage() {
    echo "usage: deploy/install.sh dependencies|project PREFIX" >&2
    exit 2
}

[ $# -eq 2 ] || usage
step=$1
prefix=$2
here=$(cd "$(dirname "$0")/.." && pwd)
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

case $step in
    dependencies)
        "${PYTHON:-python3}" -m venv "$prefix"
        # --no-deps: the lock is complete, nothing may be resolved anew.  --only-binary: the image has no compiler.
        "$prefix/bin/pip" install --no-deps --require-hashes --only-binary :all: -r "$here/requirements.txt"
        ;;
    project)
        [ -x "$prefix/bin/pip" ] || { echo "deploy/install.sh: run 'dependencies $prefix' first" >&2; exit 1; }
        # --no-build-isolation: the build backend is the locked one, not whatever is newest today.
        # Linked (-e), because Airflow puts plugins/ on sys.path too and a second copy could differ from it.
        "$prefix/bin/pip" install --no-deps --no-build-isolation -e "$here"
        ;;
    *) usage ;;
esac

#!/bin/sh
# Writes requirements.txt and requirements-dev.txt: for every platform and Python, exact versions with their hashes. And
# tests/own_airflow/requirements-*.txt, the Airflows that are not ours, which `make test-own-airflow` installs. And
# deploy/helm/requirements.txt, what the image for Kubernetes has besides.
# Versions that are locked already stay, unless `--upgrade` (or `--upgrade-package NAME`) is given.
set -eu
cd "$(dirname "$0")/.."

UV_VERSION=$(sed -n 's/^uv==//p' requirements-dev.in)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"${PYTHON:-python3}" -m venv "$scratch"
"$scratch/bin/pip" install --quiet --disable-pip-version-check "uv==$UV_VERSION"

compile() {
    "$scratch/bin/uv" pip compile --quiet --universal --no-strip-extras --python-version 3.11 --generate-hashes \
        --custom-compile-command "make lock" "$@"
}
compile "$@" --extra stack --output-file requirements.txt pyproject.toml requirements.in
# requirements-dev.in names requirements.txt as a constraint: the two never disagree.
compile "$@" --output-file requirements-dev.txt requirements-dev.in
# The image for Kubernetes is made from the other one: only what that has not, at versions that agree with it.
present=$(sed -n 's/^\([a-z0-9._-]*\)[=[].*/--no-emit-package \1/p' requirements.txt | sort -u)
# shellcheck disable=SC2086  # one option and one name a line
compile "$@" --constraint requirements.txt $present --output-file deploy/helm/requirements.txt deploy/helm/requirements.in
for team in tests/own_airflow/requirements-*.in; do
    compile "$@" --output-file "${team%.in}.txt" "$team" pyproject.toml
done

#!/bin/sh
# Resolves pyproject.toml into pip lock files with hashes, valid for Python 3.11 to 3.13, that name no index.
# dev.txt holds everything; embedded.txt (make watch), image.txt (the container) and build.txt (the build backend) are
# its subsets, so that every environment has the same versions.
set -eu
cd "$(dirname "$0")/.."
resolve() {
    out=$1; shift
    uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet "$@" --output-file "$out"
}
resolve requirements/dev.txt --extra embedded --extra postgres --extra apprise --extra preflight --extra dev ${UPGRADE:+--upgrade}
echo "setuptools>=77" > /tmp/build.$$.in
trap 'rm -f /tmp/build.$$.in' EXIT
resolve requirements/embedded.txt --extra embedded --extra preflight --constraint requirements/dev.txt /tmp/build.$$.in
resolve requirements/image.txt --extra postgres --extra apprise --constraint requirements/dev.txt
uv pip compile /tmp/build.$$.in --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-emit-find-links --no-annotate --no-header --quiet --constraint requirements/dev.txt \
    --output-file requirements/build.txt

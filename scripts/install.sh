#!/bin/sh
# Put the locked Python packages and the project itself into .venv: with `--run` what running
# needs (requirements-run.lock), else the tools of tests and checks too (requirements.lock).
#
# Needs any Python 3.11 or newer to start from. Quick when nothing changed. Writes only inside
# the checkout (.venv, var/bootstrap) and into the caches of uv; asks the distribution for
# packages only when Python comes without both pip and venv.
set -eu
cd "$(dirname "$0")/.."

home=${HOME:-/nonexistent}
say() { printf '%s\n' "setup: $*" >&2; }
die() { say "$*"; exit 69; }

# Where pip is told of a mirror or of a certificate, uv is meant too.
if [ -n "${PIP_INDEX_URL:-}" ] && [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
    UV_DEFAULT_INDEX=$PIP_INDEX_URL
    export UV_DEFAULT_INDEX
fi
if [ -n "${PIP_CERT:-}" ] && [ -z "${SSL_CERT_FILE:-}" ]; then
    SSL_CERT_FILE=$PIP_CERT
    export SSL_CERT_FILE
fi

# uv brings certificates of its own; a site that has its own mirror is known to the system only.
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then
    UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-1}
    UV_NATIVE_TLS=${UV_NATIVE_TLS:-1} # the same, for a uv of an older day
    export UV_SYSTEM_CERTS UV_NATIVE_TLS
fi

fits() { # fits PYTHON FROM TO: it runs, and is one of 3.FROM to 3.TO
    "$1" -c "import sys; sys.exit(not (3, $2) <= sys.version_info[:2] <= (3, $3))" >/dev/null 2>&1
}

# With .python-version here, the shims of pyenv fail where that version is missing; the
# interpreters behind them still run.
pythons() {
    printf '%s\n' python3 python3.13 python3.14 python3.12 python3.11 python \
        /usr/bin/python3 /usr/local/bin/python3
    for found in "${PYENV_ROOT:-$home/.pyenv}"/versions/3.*/bin/python3; do
        [ -x "$found" ] && printf '%s\n' "$found"
    done
    return 0
}

find_python() { # find_python FROM TO
    for candidate in $(pythons); do
        if fits "$candidate" "$1" "$2"; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

bootstrap_uv() { # bootstrap_uv PYTHON: by venv, by pip alone, or by what the distribution has
    rm -rf var/bootstrap
    mkdir -p var
    if "$1" -m venv var/bootstrap >/dev/null 2>&1; then
        var/bootstrap/bin/python -m pip install --quiet uv >&2
        return
    fi
    rm -rf var/bootstrap
    if "$1" -m pip --version >/dev/null 2>&1; then
        "$1" -m pip install --quiet --target var/bootstrap uv >&2
        return
    fi
    command -v apt-get >/dev/null 2>&1 || return 1
    say "this Python has neither venv nor pip; asking the distribution for python3-venv"
    { as_root apt-get update -qq && as_root apt-get install -qqy python3-venv; } >&2 &&
        /usr/bin/python3 -m venv var/bootstrap >&2 &&
        var/bootstrap/bin/python -m pip install --quiet uv >&2
}

find_uv() {
    for candidate in uv "$PWD/var/bootstrap/bin/uv" "$home/.local/bin/uv" "$home/.cargo/bin/uv"; do
        # A shim of pyenv may stand on PATH without a uv behind it; a very old uv has no
        # hash checks. Both fail here.
        if "$candidate" pip sync --require-hashes --help >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    python=$(find_python 11 99) || die "no Python 3.11 or newer found; install python3 and run again"
    say "fetching uv with $python"
    bootstrap_uv "$python" ||
        die "uv could not be fetched with $python; install the packages python3-venv and python3-pip, or uv itself, and run again"
    printf '%s\n' "$PWD/var/bootstrap/bin/uv"
}

make_venv() {
    fits .venv/bin/python 12 99 && return 0
    rm -rf .venv
    # The version of .python-version: one that is here, or one that uv can fetch; else what is here.
    if ! python=$(find_python 13 13); then
        say "fetching Python 3.13"
        "$uv" venv --quiet --no-project --python 3.13 .venv 2>var/venv.log && return 0
        python=$(find_python 12 99) ||
            die "no Python 3.12 or newer is here, and uv cannot fetch one (var/venv.log); install one, or name a mirror in UV_PYTHON_INSTALL_MIRROR, and run again"
    fi
    say "making .venv with $python"
    "$uv" venv --quiet --no-project --python "$python" .venv
}

stamp=.venv/installed
lock=requirements.lock
# What was installed whole stays so: whoever runs tests here runs the system too.
if [ "${1:-}" = --run ] && ! grep -qx "$lock" $stamp 2>/dev/null; then
    lock=requirements-run.lock
fi
wanted=$(
    pwd -P
    printf '%s\n' "$lock"
    cat "$lock" pyproject.toml .python-version scripts/install.sh | cksum
)
if [ "${1:-}" = --uv ]; then # for `make lock`, which needs nothing else
    find_uv
    exit 0
fi
if [ -x .venv/bin/python ] && [ -x .venv/bin/tuixuan ] && [ "$(cat $stamp 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi

mkdir -p var
uv=$(find_uv)
make_venv
say "installing the locked packages ($lock)"
# Compiled now: where PYTHONDONTWRITEBYTECODE is set, as in many containers, each process of the
# system would compile all of it again at each start, which takes longer than all else in it.
"$uv" pip sync --quiet --require-hashes --compile-bytecode --python .venv/bin/python "$lock"
"$uv" pip install --quiet --no-deps --no-build-isolation --python .venv/bin/python --editable .
printf '%s\n' "$wanted" >$stamp
say "ready: $(.venv/bin/python --version) in .venv"

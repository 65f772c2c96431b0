#!/bin/sh
# Run a command on one core of this machine, beside two processes that burn it and end with it:
#
#     scripts/burdened.sh COMMAND [ARGUMENT ...]
set -eu
command -v taskset >/dev/null 2>&1 || {
    printf '%s\n' "burdened: needs taskset (util-linux)" >&2
    exit 69
}
here=$(dirname "$0")/..
core=$("$here/.venv/bin/python" -c 'import os; print(min(os.sched_getaffinity(0)))')

burn() { # the tether ends it however this script ends
    exec taskset -c "$core" "$here/.venv/bin/python" -I -S "$here/workers/stack/tether.py" $$ \
        "$here/.venv/bin/python" -I -S -c 'while True: pass'
}

burn &
first=$!
burn &
second=$!
trap 'kill $first $second 2>/dev/null' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
printf '%s\n' "burdened: core $core, beside $first and $second" >&2
taskset -c "$core" "$@"

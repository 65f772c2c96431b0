#!/bin/sh
# See that the browser tests find a Chromium, and that it can draw Chinese. What is missing comes
# from the distribution's packages.
set -eu

say() { printf '%s\n' "browser: $*" >&2; }

missing=
found=
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null 2>&1; then
        found=$name
        break
    fi
done
[ -n "$found" ] || missing=chromium
if command -v fc-list >/dev/null 2>&1; then
    [ -n "$(fc-list :lang=zh-cn family 2>/dev/null)" ] || missing="$missing fonts-wqy-microhei"
elif [ -n "$missing" ]; then
    missing="$missing fonts-wqy-microhei"
fi
[ -n "$missing" ] || exit 0

install() {
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    if [ "$(id -u)" = 0 ]; then
        as=
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as="sudo -n --preserve-env=DEBIAN_FRONTEND"
    else
        say "neither root nor sudo without a password"
        return 1
    fi
    command -v apt-get >/dev/null 2>&1 || {
        say "no apt-get here"
        return 1
    }
    # shellcheck disable=SC2086 # both are lists of words
    { $as apt-get update -qq && $as apt-get install -qqy -o Dpkg::Use-Pty=0 --no-install-recommends $missing; } >&2
}

say "installing$(printf ' %s' $missing) from the distribution's packages"
if ! install; then
    if [ -z "$found" ]; then
        say "install Chromium (Debian: apt-get install $missing) and run again"
        exit 69
    fi
    say "pictures will lack Chinese characters until a Chinese font is installed"
fi

#!/bin/sh
# The real parts that the live tests need: installed with apt when root, else named.
missing=""
need() { # need PACKAGE COMMAND...: the package, if none of its commands is there
    package=$1; shift
    for command in "$@"; do
        if [ -x "$command" ] || command -v "$command" >/dev/null 2>&1; then return; fi
    done
    missing="$missing $package"
}
pg=$(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | tail -n 1)
need postfix /usr/sbin/postfix
need dovecot-imapd /usr/lib/dovecot/imap
need postgresql "${pg:-initdb}"
need strace strace
need openssl openssl
need util-linux setpriv
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing real parts for the live tests:$missing"
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    # shellcheck disable=SC2086 -- a list of packages
    if { apt-get update -q && apt-get install -y -q --no-install-recommends $missing; } >"$log" 2>&1; then
        rm -f "$log"
        exit 0
    fi
    tail -n 5 "$log"
fi
echo "These real parts are missing, and the live tests that need them are left out:$missing"
echo "As root on Debian or Ubuntu: apt-get install$missing"

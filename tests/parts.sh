#!/bin/sh
# The real parts that the live tests need: installed with apt when root, else named, with what their absence leaves out.
missing=""
left_out=""
need() { # need PACKAGE "WHAT IT IS FOR" COMMAND...: the package, if none of its commands is there
    package=$1 what=$2
    shift 2
    for command in "$@"; do
        if [ -x "$command" ] || command -v "$command" >/dev/null 2>&1; then return; fi
    done
    missing="$missing $package"
    left_out="$left_out
  $package: $what"
}
pg=$(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | tail -n 1)
need postfix "delivery by pipe(8), by aliases and by LMTP; the whole conversation" /usr/sbin/postfix
need dovecot-imapd "watching a real mailbox" /usr/lib/dovecot/imap
need postgresql "everything that is run on SQLite and on PostgreSQL, on the latter" "${pg:-initdb}"
need strace "the order of system calls: durable before 250, exit 0 and the flag" strace
need openssl "certificates that are wrong in one way each" openssl
need opendkim "our signatures, verified by another program" /usr/sbin/opendkim
need rspamd "spam, judged and learnt by a real rspamd" /usr/bin/rspamd
need clamav-daemon "viruses, found by a real clamd" /usr/sbin/clamd
need chromium "the pages in a real browser" chromium chromium-browser google-chrome
need util-linux "permissions as another user" setpriv
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
    rm -f "$log"
fi
echo "These real parts are missing, and the live tests that need them are left out:$left_out"
echo "As root on Debian or Ubuntu: apt-get install$missing"

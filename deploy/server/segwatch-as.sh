#!/bin/sh
# segwatch-as WHO WORDS...: `segwatch WORDS...` as one of the log's users and with that user's settings: operator,
# or a service, as scoring. Paths are absolute. What is decided bears the name of whoever called sudo.
set -eu
settings=/etc/segwatch/settings
who=${1:-}
if [ ! -f "$settings/$who.env" ] || [ "$(id -u)" != 0 ]; then
    known=$(cd $settings && ls | sed 's/\.env$//' | tr '\n' ' ')
    echo "usage: segwatch-as WHO COMMAND..., as root. WHO is one of: $known" >&2
    exit 2
fi
shift
tied=--pipe
if [ -t 0 ] && [ -t 1 ]; then tied=--pty; fi
exec systemd-run --quiet --collect --wait "$tied" --uid="segwatch-$who" --setenv=TERM="${TERM:-dumb}" \
    --setenv=LOGNAME="${SUDO_USER:-root}" \
    --property=EnvironmentFile="$settings/$who.env" --property=UMask=0007 --property=PrivateTmp=yes \
    --working-directory=/opt/segwatch/current/app /opt/segwatch/current/venv/bin/segwatch "$@"

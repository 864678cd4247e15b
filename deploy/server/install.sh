#!/bin/sh
# Installs what lies beside it, without network: ./install hospital --settings FILE
#   ./install --check    only says whether all came whole, and fits this machine
set -eu
cd "$(dirname "$0")"
programs=/opt/segwatch
refuse() { echo "segwatch: $1" >&2; exit 2; }
least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }
room() { # megabytes free where a folder is, or would be
  at=$1; while [ ! -e "$at" ]; do at=$(dirname "$at"); done
  df --output=avail -m "$at" | tail -n 1 | tr -d ' '
}

# What the machine must have, said before anything is read or written.
. ./NEEDS
command -v openssl >/dev/null || refuse "openssl is missing; on Debian: apt-get install openssl"
here=$(python3 -c 'import sysconfig, venv; print(sysconfig.get_python_version(), sysconfig.get_platform())' 2>/dev/null) \
  || refuse "python3 is missing, or lacks its module venv; on Debian: apt-get install python3"
[ "$here" = "$PYTHON" ] || refuse "this bundle is for Python $PYTHON, here is $here: make one on such a machine"
glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d ' ' -f 2)
least "$GLIBC" "${glibc:-0}" || refuse "this bundle needs glibc $GLIBC or newer, here is ${glibc:-another C library}"
if [ ! -e "$programs/$VERSION/.whole" ] && [ "$(room $programs)" -lt "$PROGRAMS_MB" ]; then
  refuse "$programs has $(room $programs) MB free, and the programs take $PROGRAMS_MB MB: make room"
fi
[ "$(room /var/lib/segwatch)" -ge "$DATA_MB" ] \
  || refuse "/var/lib/segwatch has $(room /var/lib/segwatch) MB free; $DATA_MB MB are the least to start with"

sha256sum --quiet --check SHA256SUMS || refuse "the bundle did not come whole (the lines above): copy it again"
if [ "${1:-}" = "--check" ]; then
  echo "every file is as it was packed, and this machine has what it needs"
  exit 0
fi
[ "$(id -u)" = 0 ] || refuse "run it as root"
to=$programs/$VERSION
# Another build of the same version lies beside it: nothing changes under what runs, and one can go back.
if [ -e "$to/.whole" ] && ! cmp -s SHA256SUMS "$to/.whole"; then
  to=$to-$(sha256sum SHA256SUMS | cut -c1-8)
fi
if [ ! -e "$to/.whole" ]; then
  rm -rf "$to"
  mkdir -p "$to"
  echo "unpacking $VERSION into $to"
  # Debian's venv has no pip where python3-venv is not installed, so it comes along.
  python3 -m venv --without-pip "$to/venv"
  "$to/venv/bin/python" "$(ls wheels/pip-*.whl)/pip" install --quiet --no-index --no-deps --no-compile wheels/*.whl
  cp -r app jars bin sbom.cdx.json "$to/"
  ln -s app/docs "$to/docs"
  chmod 0755 "$to"/bin/*
  chmod -R a+rX "$to"
  cp SHA256SUMS "$to/.whole.new"
  mv "$to/.whole.new" "$to/.whole"
fi
# Debian's Alertmanager reads its templates from there.
for template in bin/*.tmpl; do
  [ -e "$template" ] || continue
  mkdir -p /usr/share/prometheus/alertmanager
  cp -n "$template" /usr/share/prometheus/alertmanager/
done
# The version's own command sees that it knows the settings; only then does anything run another version.
cd "$to/app"
exec "$to/venv/bin/python" -m deploy.server install --version "$to" "$@"

#!/bin/sh
# Installs what lies beside it, without network: ./install hospital --settings FILE
#   ./install --check    only says whether all came whole
set -eu
cd "$(dirname "$0")"
if ! sha256sum --quiet --check SHA256SUMS; then
  echo "segwatch: the bundle did not come whole (the lines above): copy it again" >&2
  exit 2
fi
if [ "${1:-}" = "--check" ]; then
  echo "every file is as it was packed"
  exit 0
fi
here=$(python3 -c 'import sysconfig; print(sysconfig.get_python_version(), sysconfig.get_platform())') \
  || { echo "segwatch: python3 is missing; on Debian: apt-get install python3 openssl" >&2; exit 2; }
if [ "$here" != "$(cat PYTHON)" ]; then
  echo "segwatch: this bundle is for Python $(cat PYTHON), here is $here: make one on such a machine" >&2
  exit 2
fi
if [ "$(id -u)" != 0 ]; then echo "segwatch: run it as root" >&2; exit 2; fi
version=$(cat VERSION)
programs=/opt/segwatch
to=$programs/$version
# Another build of the same version lies beside it: nothing changes under what runs, and one can go back.
if [ -e "$to/.whole" ] && ! cmp -s SHA256SUMS "$to/.whole"; then
  to=$to-$(sha256sum SHA256SUMS | cut -c1-8)
fi
if [ ! -e "$to/.whole" ]; then
  rm -rf "$to"
  mkdir -p "$to"
  echo "unpacking $version into $to"
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
now=$(readlink "$programs/current" || true)
if [ -n "$now" ] && [ "$now" != "$to" ]; then ln -sfn "$now" "$programs/previous"; fi
ln -sfn "$to" "$programs/current"
cd "$to/app"
exec "$to/venv/bin/python" -m deploy.server install "$@"

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
  || { echo "segwatch: python3 with venv is missing; on Debian: apt-get install python3-venv openssl" >&2; exit 2; }
if [ "$here" != "$(cat PYTHON)" ]; then
  echo "segwatch: this bundle is for Python $(cat PYTHON), here is $here: make one on such a machine" >&2
  exit 2
fi
if [ "$(id -u)" != 0 ]; then echo "segwatch: run it as root" >&2; exit 2; fi
version=$(cat VERSION)
programs=/opt/segwatch
to=$programs/$version
if [ ! -e "$to/.whole" ]; then
  rm -rf "$to"
  mkdir -p "$to"
  echo "unpacking $version into $to"
  python3 -m venv "$to/venv"
  "$to/venv/bin/pip" install --quiet --no-index --no-deps --no-compile wheels/*.whl
  cp -r app jars bin sbom.cdx.json "$to/"
  ln -s app/docs "$to/docs"
  chmod 0755 "$to"/bin/*
  chmod -R a+rX "$to"
  touch "$to/.whole"
fi
# Debian's Alertmanager reads its template from there.
if [ -e bin/default.tmpl ] && [ ! -e /usr/share/prometheus/alertmanager/default.tmpl ]; then
  mkdir -p /usr/share/prometheus/alertmanager
  cp bin/default.tmpl /usr/share/prometheus/alertmanager/
fi
now=$(readlink "$programs/current" || true)
if [ -n "$now" ] && [ "$now" != "$to" ]; then ln -sfn "$now" "$programs/previous"; fi
ln -sfn "$to" "$programs/current"
cd "$to/app"
exec "$to/venv/bin/python" -m deploy.server install "$@"

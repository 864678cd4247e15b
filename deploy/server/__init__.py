"""One server: a hospital or the centre as systemd's units, from the settings that Kubernetes has too.

`python -m deploy.server --help`; `make bundle` packs it for a server without network.
"""

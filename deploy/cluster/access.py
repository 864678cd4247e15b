"""The cluster's authority, its certificates, and who may speak to its API server."""

import secrets
from pathlib import Path

from deploy.cluster.folders import NODE, STATE
from segwatch.streaming.authority import openssl

PKI = STATE / "pki"
USERS = {
    "admin": ("admin", "system:masters"),
    "manager": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    "proxy": ("system:kube-proxy", ""),
    "netpol": ("netpol", "system:masters"),
    "kubelet": ("system:node:node", "system:nodes"),
}
DAYS = "30"


def make_access() -> None:
    """Certificates, tokens, and a kubeconfig for each user, once."""
    if (PKI / "ca.crt").exists():
        return
    PKI.mkdir(parents=True)
    authority(PKI, "cluster")
    openssl("genrsa", "-out", str(PKI / "accounts.key"), "2048")
    names = f"IP:{NODE},IP:127.0.0.1,IP:10.96.0.1,DNS:kubernetes.default.svc"
    certificate(
        PKI, "apiserver", "/CN=kube-apiserver", f"extendedKeyUsage=serverAuth\nsubjectAltName={names}"
    )
    certificate(PKI, "to-kubelet", "/O=system:masters/CN=kube-apiserver", "extendedKeyUsage=clientAuth")
    tokens = []
    for name, (user, group) in USERS.items():
        token = secrets.token_hex(16)
        tokens.append(",".join([token, user, user, *([group] if group else [])]))
        (STATE / f"{name}.conf").write_text(_kubeconfig(name, token))
    (PKI / "tokens.csv").write_text("\n".join(tokens) + "\n")


def authority(folder: Path, name: str) -> None:
    """A new authority: `ca.crt` and `ca.key`."""
    words = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", DAYS, "-subj", f"/CN={name}"]
    openssl("req", *words, "-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.crt"))


def certificate(folder: Path, name: str, subject: str, extensions: str) -> None:
    """A key and a certificate by the folder's authority."""
    request, asked = folder / f"{name}.csr", folder / f"{name}.ext"
    key, signed = folder / f"{name}.key", folder / f"{name}.crt"
    words = ["-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", str(key), "-out", str(request)]
    openssl("req", "-new", *words)
    asked.write_text(extensions + "\n")
    by = ["-CA", str(folder / "ca.crt"), "-CAkey", str(folder / "ca.key"), "-CAcreateserial", "-days", DAYS]
    openssl("x509", "-req", "-in", str(request), *by, "-extfile", str(asked), "-out", str(signed))


def _kubeconfig(name: str, token: str) -> str:
    server = f'{{server: "https://{NODE}:6443", certificate-authority: {PKI}/ca.crt}}'
    return (
        f"apiVersion: v1\nkind: Config\nclusters: [{{name: it, cluster: {server}}}]\n"
        f"users: [{{name: {name}, user: {{token: {token}}}}}]\n"
        f"contexts: [{{name: it, context: {{cluster: it, user: {name}}}}}]\ncurrent-context: it\n"
    )

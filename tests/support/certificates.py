"""Certificates for tests, made by openssl."""

import subprocess
from dataclasses import replace
from pathlib import Path

from segwatch.streaming.authority import Authority, Identity

KEY = ("-newkey", "rsa:2048", "-nodes")


def make_certificates(folder: Path) -> Path:
    """A CA (`ca.pem`), a certificate of it for 127.0.0.1 (`server.pem`, `server.key`), and another CA that
    signed nothing (`other.pem`).
    """

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    for ca in ("ca", "other"):
        openssl("req", "-x509", *KEY, "-keyout", f"{ca}.key", "-out", f"{ca}.pem", "-subj", f"/CN={ca}")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    openssl("req", *KEY, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=server")
    signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
    openssl("x509", "-req", "-in", "server.csr", *signing, "-out", "server.pem")
    return folder


def expired(authority: Authority, name: str, folder: Path) -> Identity:
    """A certificate that the authority signed, and whose time ended years ago."""
    made = Authority(folder / "other", "other").issue(name)  # its key; the certificate is replaced
    (folder / "index.txt").touch()
    (folder / "serial").write_text("01\n")
    (folder / "openssl.cnf").write_text(
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nnew_certs_dir=.\nserial=serial\npolicy=p\n[p]\ncommonName=supplied\n"
    )
    request = folder / "request.csr"

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    openssl("req", "-new", "-key", str(made.key), "-subj", f"/CN={name}", "-out", str(request))
    signed = (
        "-cert",
        str(authority.folder / "authority.crt"),
        "-keyfile",
        str(authority.folder / "authority.key"),
    )
    dates = ("-startdate", "20200101000000Z", "-enddate", "20200201000000Z")
    openssl(
        "ca",
        "-batch",
        "-notext",
        "-md",
        "sha256",
        "-config",
        "openssl.cnf",
        *signed,
        *dates,
        "-in",
        str(request),
        "-out",
        str(made.certificate),
    )
    return replace(made, ca=authority.trusted)

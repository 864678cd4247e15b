"""Certificates for tests, made by openssl."""

import subprocess
from pathlib import Path

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

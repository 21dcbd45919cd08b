"""Certificates for tests of TLS, made when they are needed."""

import shutil
import ssl
import subprocess

import pytest


def make_certificates(folder):
    """Make a CA, what it signed for localhost and a client, and a stranger's, in `folder`."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command to make certificates with")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("req", "-x509", "-newkey", "rsa:2048", "-days", "2")
    plain = (*new, "-nodes")
    openssl(*plain, "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem")
    for name in ("localhost", "client"):
        subject = ("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key")
        openssl(*plain, *subject, *signed, "-keyout", f"{name}.key", "-out", f"{name}.pem")
    openssl(*plain, "-subj", "/CN=client", "-keyout", "stranger.key", "-out", "stranger.pem")
    locked = ("-passout", "pass:secret", "-keyout", "locked.key", "-out", "locked.pem")
    openssl(*new, "-subj", "/CN=localhost", *locked)
    return folder


def client_context(folder, name=None):
    """Return the context of a client that trusts the CA, with the certificate `name` if given."""
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    if name:
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context

"""TLS for a server: which certificate it shows, and whose it wants to see."""

import os
import ssl
from pathlib import Path

from qscope.errors import ServeError


def make_tls_context(
    certificate: str | os.PathLike[str],
    key: str | os.PathLike[str],
    *,
    client_ca: str | os.PathLike[str] | None = None,
) -> ssl.SSLContext:
    """Return a context for TLS 1.2 and newer that shows this certificate (PEM files).

    With `client_ca` clients must show a certificate that it vouches for. Raises ServeError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _check_readable("certificate", certificate)
    _check_readable("key", key)
    try:
        # An encrypted key would be asked for on the terminal; a server has none.
        context.load_cert_chain(certificate, key, password=_refuse_password)
    except (OSError, ValueError) as error:
        where = f"{os.fspath(certificate)}, {os.fspath(key)}"
        raise ServeError(f"TLS certificate and key ({where}): {_explain(error)}") from error
    if client_ca is not None:
        _check_readable("CA", client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(client_ca)
        except (OSError, ValueError) as error:
            raise ServeError(f"TLS CA {os.fspath(client_ca)}: {_explain(error)}") from error
    return context


def _check_readable(what: str, path: str | os.PathLike[str]) -> None:
    """Say which file cannot be read: OpenSSL does not tell."""
    try:
        with Path(path).open("rb"):
            pass
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise ServeError(f"TLS {what} {os.fspath(path)}: {reason}") from error


def _refuse_password() -> str:
    raise ValueError("the key is encrypted; one without a password is right")


def _explain(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        # Its reason is a constant's name, KEY_VALUES_MISMATCH; None where the PEM form is wrong.
        reason = error.reason
        return reason.replace("_", " ").lower() if reason else "not what is wanted, in PEM form"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)

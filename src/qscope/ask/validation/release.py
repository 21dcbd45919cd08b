"""What rests on the release alone, where nothing that QEMU tells shows it.

In: an interface, a release. Out: whether the QEMU is that release or a newer one. The version is
asked as a user asks it, and what rests on it says so.
"""

from qscope.ask.answer import Verdict
from qscope.ask.path import compile_path
from qscope.ask.syntax.scalars import NEWEST, Dialect
from qscope.ask.versions import ask_version
from qscope.model.interface import Interface

EVIDENCE = "the version QEMU gives itself (query-version)"


def is_since(interface: Interface, release: str) -> Verdict:
    """Whether the QEMU is of a release or a newer one; unknown where it does not say."""
    return ask_version(interface, compile_path(f"version:>={release}")).verdict


def find_dialect(interface: Interface) -> Dialect:
    """Return how this QEMU reads sizes: the newest way where its release is not known."""
    if is_since(interface, "6.0") is Verdict.NO:
        return Dialect.V2_5
    return Dialect.V6_0 if is_since(interface, "8.1") is Verdict.NO else NEWEST

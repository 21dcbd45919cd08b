"""`Option`: one option of the command line, in the vocabulary of SchemaInfo.

Made by ask/options from runs of the binary, from what QMP tells and from the table of options; or
told by a server in this form (served.py). Each says in `evidence` what it rests on.
"""

from typing import ClassVar, Literal, TypeAlias

from msgspec import Struct

Syntax: TypeAlias = Literal[
    "flag", "string", "number", "words", "qemuopts", "keyval", "machine-props", "chardev", "json"
]
Repeat: TypeAlias = Literal["merge", "list", "last"]
Availability: TypeAlias = Literal["ok", "unsupported-target", "module-missing"]
Completeness: TypeAlias = Literal["exact", "names", "partial", "scalar", "unknown"]
EvidenceKind: TypeAlias = Literal[
    "arity-probe",
    "parse-probe",
    "help",
    "qclo",
    "qmp-arg",
    "qmp-ret",
    "qom",
    "listing",
    "table",
    "served",
]


class OptionEvidence(Struct, frozen=True):
    """One source for what is known of an option: its kind, and where in it to look."""

    kind: EvidenceKind
    path: str = ""

    def __str__(self) -> str:
        """Name the source, as in `qmp-arg netdev_add`."""
        return f"{self.kind} {self.path}" if self.path else self.kind


class Option(
    Struct, frozen=True, kw_only=True, rename="kebab", tag_field="meta-type", tag="option"
):
    """An option of the command line.

    `arg` is whether it takes an argument, `arg_type` the name of the argument's type (of the
    schema, or made: `Interface.find` has both), None where nothing is known. `closed`
    is whether an unknown parameter is refused; `repeat` what a second occurrence does: it adds to
    the first, makes another one, or takes its place. `sugar` is what it stands for, `words` what
    the argument may be where it is one of a few words. `completeness` is what is known of the
    argument: all (exact), all names of parameters (names), some (partial), that there is nothing
    more to say than its syntax (scalar), or nothing.
    """

    meta_type: ClassVar[str] = "option"

    name: str
    arg: bool
    arg_type: str | None = None
    syntax: tuple[Syntax, ...] = ()
    implied_key: str | None = None
    repeat: Repeat | None = None
    closed: bool | None = None
    aliases: tuple[str, ...] = ()
    sugar: str = ""
    deprecated: bool = False
    hidden: bool = False
    availability: Availability = "ok"
    completeness: Completeness = "unknown"
    evidence: tuple[OptionEvidence, ...] = ()
    group: str | None = None
    words: tuple[str, ...] | None = None

"""Interfaces with the help of a schema's source: made from it, or annotated by it."""

from collections.abc import Collection

from qscope import qapi
from qscope.load.files import show_path
from qscope.load.schema import open_schema
from qscope.model.interface import Interface
from qscope.model.listings import Listings
from qscope.qapi.annotate import annotate, annotate_source
from qscope.qapi.match import match


def open_source(path: str, defines: Collection[str] = ()) -> tuple[qapi.Schema, Interface]:
    """Return a schema and the interface of a program built from it with these symbols defined.

    How it is documented does not matter. Raises SchemaError.
    """
    schema = open_schema(path, docs="ignore")
    interface = Interface(
        schema.introspect(defines),
        listings=Listings(silence="a schema does not say"),
        schema_source=show_path(path),
        annotations=annotate_source(schema, show_path(path)),
    )
    return schema, interface


def annotate_by(interface: Interface, path: str) -> Interface:
    """Return an interface with the names and the documentation of a schema that it matches.

    Raises SchemaError.
    """
    schema = open_schema(path, docs="ignore")
    names = match(schema, interface).names
    evidence = f"structural match with {show_path(path)}"
    return interface.with_annotations(annotate(schema, names, evidence))

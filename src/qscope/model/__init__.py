"""The model: SchemaInfo entities, what other commands list, and both indexed as an `Interface`.

In: answers of a QEMU (a transcript). Out: `Interface`, which `ask` reads. No I/O anywhere.
"""

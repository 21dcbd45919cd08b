"""How QEMU reads a value: the visitors of its qapi/ folder, and what each makes of scalars."""

import enum


class Reader(enum.Enum):
    """Which of QEMU's ways of reading applies.

    STRICT is JSON (qobject-input-visitor.c). KEYVAL is JSON made of `a.b=c` (likewise, its keyval
    half): every scalar is a string that is converted. STRING is a single string, as QemuOpts and
    -global hand it to a property (string-input-visitor.c): ints may be listed as ranges.
    """

    STRICT = "strict"
    KEYVAL = "keyval"
    STRING = "string"

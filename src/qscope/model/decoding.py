"""What decoding JSON that a stranger sent can raise."""

import msgspec

# Not JSON or of another form, not UTF-8, nested deeper than the interpreter can follow.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

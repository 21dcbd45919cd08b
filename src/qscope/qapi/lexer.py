"""From the text of a schema to tokens: one pattern over the whole file.

In: text whose lines end in newlines. Out: a list of strings, `''` last. A documentation comment is
one token; a string keeps its quotes, but no escapes; whatever no rule allows becomes a token that
no grammar takes, and `explain` says what is wrong with it. Next stage: parser.py.
"""

import re

# QEMU skips what str.isspace() calls space, and so does \s. `true` and `false` end where they end:
# `truex` is `true` and a stray x. `##` starts documentation anywhere. Something always matches, so
# nothing is tried twice; no group is possessive, which Python 3.11.2 does not get right.
_TOKEN = re.compile(
    r"""
    \s* (?: \#(?!\#).* \s* )*
    (
        [{}\[\]:,]
      | '[ !-&(-\[\]-~]*'
      | \#\#.* (?: \n\#(?!\#).* )* (?: \s* \#(?!\#).* )* (?: \s* \#\#.* )?
      | true
      | false
      | '(?: [ !-&(-\[\]-~] | \\\\ )*'
      | '
      | [^\[\]{}:,\s']+
      | \Z
    )
    """,
    re.VERBOSE,
)
_STRAY = re.compile(r"[^\[\]{}:,\s']+")
_MAX_QUOTED = 60
# Stands for a string with something wrong in it: no token begins like that.
_BAD_STRING = '"'


def tokenize(text: str) -> list[str]:
    """Return the tokens of `text`; at least one `''` stands for its end."""
    tokens = _TOKEN.findall(text)
    if "'" in tokens:
        tokens = [_BAD_STRING if each == "'" else each for each in tokens]
    if "\\\\" in text:
        # Two backslashes for one are the only escape.
        tokens = [token.replace("\\\\", "\\") if token[:1] == "'" else token for token in tokens]
    return tokens


def find_offsets(text: str) -> tuple[int, ...]:
    """Return where each token begins; the end stands on the final newline, as QEMU has it."""
    end = max(len(text) - 1, 0)
    return tuple(min(match.start(1), end) for match in _TOKEN.finditer(text))


def is_token(token: str) -> bool:
    """Return whether the rules of the language allow this token anywhere."""
    return token[:1] in "{}[]:,'#" or token in ("true", "false")


def explain(text: str, offset: int) -> str:
    """Say what is wrong with the characters from `offset` on, which are no token."""
    if text[offset] != "'":
        match = _STRAY.match(text, offset)
        assert match is not None
        quoted = match[0][:_MAX_QUOTED]
        # What cannot be seen is named by its number.
        shown = f"'{quoted}'" if quoted.isprintable() else ascii(quoted)
        return f"{shown} means nothing here"
    position = offset + 1
    while text[position] not in "'\n":
        if text[position] == "\\":
            position += 1
            if text[position] != "\\":
                return (
                    f"\\{text[position]} is no escape: \\\\ is the only one"
                    if text[position] != "\n"
                    else _OPEN
                )
        elif not " " <= text[position] <= "~":
            return f"a string cannot have {text[position]!r}: it takes printable ASCII"
        position += 1
    return _OPEN


_OPEN = "the string does not end on its line"

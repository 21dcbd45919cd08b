"""JSON strings as QEMU decodes them: modified UTF-8, two quotes, no surrogates, no noncharacters.

Facts from qobject/json-parser.c and util/unicode.c. A token's text comes in as Latin-1, a character
a byte. Strings that are right are decoded by Python's own codecs; only what they refuse is looked
at more closely, to name its first fault.
"""

import json
import re

# The last two code points of each plane, and FDD0 to FDEF, are no characters, escaped or not.
_NONCHARACTERS = "".join(
    chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF)
)
INVALID_CHARACTER = re.compile(f"[\ud800-\udfff\ufdd0-\ufdef{_NONCHARACTERS}]")

_DECODER = json.JSONDecoder()

# What is right beyond ASCII: no overlong form but C0 80, which is NUL, no surrogate, and, by the
# look-aheads, no noncharacter.
_UTF_8 = r"""(?:
    [\xc2-\xdf][\x80-\xbf]
    |(?!\xef\xb7[\x90-\xaf]|\xef\xbf[\xbe\xbf])
        (?:\xe0[\xa0-\xbf]|\xed[\x80-\x9f]|[\xe1-\xec\xee\xef][\x80-\xbf])[\x80-\xbf]
    |(?![\xf0-\xf4][\x8f\x9f\xaf\xbf]\xbf[\xbe\xbf])
        (?:\xf0[\x90-\xbf]|\xf4[\x80-\x8f]|[\xf1-\xf3][\x80-\xbf])[\x80-\xbf]{2}
    |\xc0\x80
    )"""

# Some of a string that is right. Not possessive as a whole, which Python 3.11.2 does wrong, but no
# more than so many parts at once: each takes memory.
_RIGHT = re.compile(
    rf"""(?:
    [^\\\x80-\xff]++
    |\\["'\\/bfnrt]
    |\\u(?i:(?!d[89a-f]|fd[de]|fff[ef])[0-9a-f]{{4}})
    |(?i:(?!\\ud[89ab][37bf]f\\udff[ef])\\ud[89ab][0-9a-f]{{2}}\\ud[c-f][0-9a-f]{{2}})
    |{_UTF_8}
    ){{1,1000}}""",
    re.VERBOSE,
)

_PAIR = re.compile(r"(?i)\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}")

# What is right, up to a sequence that is not (the group is not possessive as a whole: Python
# 3.11.2 loses its beginning then). Of those QEMU knows lengths up to six bytes.
_UP_TO_WRONG = re.compile(
    rf"""((?:[^\x80-\xff]++|{_UTF_8})*)(?:
    [\xc0-\xdf][\x80-\xbf]?
    |[\xe0-\xef][\x80-\xbf]{{0,2}}
    |[\xf0-\xf7][\x80-\xbf]{{0,3}}
    |[\xf8-\xfb][\x80-\xbf]{{0,4}}
    |[\xfc\xfd][\x80-\xbf]{{0,5}}
    |[\x80-\xbf\xfe\xff]
    )""",
    re.VERBOSE,
)

# How much is decoded at once, since each wrong byte becomes an object for a while.
_AT_ONCE = 1 << 16


class StringError(ValueError):
    """A string token cannot be decoded; `str()` is QEMU's text, bytes still as Latin-1."""


def decode_string(text: str) -> str:
    """Return the string that a token, quotes included, stands for; raise StringError."""
    body = text[1:-1]
    if "\\" not in body and body.isascii():
        return body
    try:
        decoded = _decode_right(_make_standard(body, text[0]))
    except ValueError:
        decoded = None
    if decoded is None or INVALID_CHARACTER.search(decoded):
        raise StringError(_find_fault(text))
    return decoded


def decode_output(text: str) -> str:
    """Return bytes, as Latin-1, as QEMU prints them in a reply: what is no character is U+FFFD."""
    if text.isascii():
        return text
    parts = []
    start = 0
    while start < len(text):
        end = _find_boundary(text, start + _AT_ONCE)
        # FF is never right: one is put behind to end the last part, one between any two.
        right = _UP_TO_WRONG.findall(text[start:end] + "\xff")
        data = "\xff".join(right).encode("latin-1")
        parts.append(data.replace(b"\xc0\x80", b"\0").decode(errors="replace"))
        start = end
    return "".join(parts)


def _find_boundary(text: str, index: int) -> int:
    """Return an index, at most five before this one, that is not within a sequence of bytes."""
    for earlier in range(index, index - 6, -1):
        if not "\x80" <= text[earlier : earlier + 1] <= "\xbf":
            return earlier
    return index


def _make_standard(body: str, quote: str) -> str:
    """Return the body of a string as it stands between double quotes in RFC 8259's JSON."""
    if quote == '"' and "\\'" not in body and "\xc0\x80" not in body:
        return body
    # Between pairs of backslashes, a backslash belongs to what follows it.
    parts = body.split("\\\\")
    if any("\\\xc0" in part for part in parts):
        raise StringError
    return "\\\\".join(
        part.replace("\\'", "'").replace('\\"', '"').replace('"', '\\"')
        .replace("\xc0\x80", "\\u0000")
        for part in parts
    )  # fmt: skip


def _decode_right(body: str) -> str:
    decoded = body.encode("latin-1").decode()
    if "\\" not in decoded:
        return decoded
    result = _DECODER.decode(f'"{decoded}"')
    assert isinstance(result, str)
    return result


def find_wrong(text: str) -> int:
    """Return how far a string in its quotes is right: to its last quote if all of it is."""
    at, end = 1, len(text) - 1
    while found := _RIGHT.match(text, at, end):
        at = found.end()
    return at


def _find_fault(text: str) -> str:
    at = find_wrong(text)
    if text[at] != "\\":
        return "invalid UTF-8 sequence in string"
    if text[at + 1] != "u":
        return "invalid escape sequence in string"
    # QEMU takes the escape to be of full length, even if the string ends within it.
    size = 12 if _PAIR.match(text, at) else 6
    return f"{text[at : at + size]} is not a valid Unicode character"

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

# How far a string is right. C0 80 is NUL; the look-aheads keep noncharacters out.
_RIGHT = re.compile(
    r"""(?:
    [^\\\x80-\xff]++
    |\\["'\\/bfnrt]
    |\\u(?i:(?!d[89a-f]|fd[de]|fff[ef])[0-9a-f]{4})
    |(?i:(?!\\ud[89ab][37bf]f\\udff[ef])\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})
    |\xc0\x80
    |[\xc2-\xdf][\x80-\xbf]
    |(?!\xef\xb7[\x90-\xaf]|\xef\xbf[\xbe\xbf])
        (?:\xe0[\xa0-\xbf]|\xed[\x80-\x9f]|[\xe1-\xec\xee\xef][\x80-\xbf])[\x80-\xbf]
    |(?![\xf0-\xf4][\x8f\x9f\xaf\xbf]\xbf[\xbe\xbf])
        (?:\xf0[\x90-\xbf]|\xf4[\x80-\x8f]|[\xf1-\xf3][\x80-\xbf])[\x80-\xbf]{2}
    )*+""",
    re.VERBOSE,
)

_PAIR = re.compile(r"(?i)\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}")

# A byte sequence which QEMU prints as one character, right or not (it knows up to six bytes).
_SEQUENCE = re.compile(
    r"[\xc0-\xdf][\x80-\xbf]?|[\xe0-\xef][\x80-\xbf]{0,2}|[\xf0-\xf7][\x80-\xbf]{0,3}"
    r"|[\xf8-\xfb][\x80-\xbf]{0,4}|[\xfc\xfd][\x80-\xbf]{0,5}|[\x80-\xbf\xfe\xff]"
)


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
    return _SEQUENCE.sub(lambda found: _decode_sequence(found[0]), text)


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


def _find_fault(text: str) -> str:
    found = _RIGHT.match(text, 1, len(text) - 1)
    assert found is not None
    at = found.end()
    if text[at] != "\\":
        return "invalid UTF-8 sequence in string"
    if text[at + 1] != "u":
        return "invalid escape sequence in string"
    # QEMU takes the escape to be of full length, even if the string ends within it.
    size = 12 if _PAIR.match(text, at) else 6
    return f"{text[at : at + size]} is not a valid Unicode character"


def _decode_sequence(sequence: str) -> str:
    if sequence == "\xc0\x80":
        return "\0"
    try:
        decoded = sequence.encode("latin-1").decode()
    except UnicodeDecodeError:
        return "\ufffd"
    return "\ufffd" if INVALID_CHARACTER.match(decoded) else decoded

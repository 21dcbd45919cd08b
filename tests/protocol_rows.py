"""The table of exchanges that our server has like QEMU: what clients send, well or badly.

A row says only what is sent; what comes back is asked from a QEMU when the test runs. The commands
are ones that a QEMU without a machine answers alike at any time, and no event comes of them.
What is sent in one go is in protocol_rows.txt; here are those that wait, repeat or hang up.
"""

import enum
import re
from pathlib import Path
from typing import NamedTuple


class Session(enum.Enum):
    """What was agreed on a connection before a row begins."""

    RAW = "raw"
    PLAIN = "plain"
    OOB = "oob"


class Step(enum.Enum):
    """What a client does besides sending bytes."""

    REPLY = "wait for one more message before going on"
    QUIET = "see that nothing comes"
    AGAIN = "hang up and connect again"


class Row(NamedTuple):
    name: str
    steps: tuple[bytes | Step, ...]
    session: Session = Session.PLAIN


REPLY, QUIET, AGAIN = Step.REPLY, Step.QUIET, Step.AGAIN
_TABLE = Path(__file__).with_name("protocol_rows.txt")


def _read_table():
    """Yield the rows of the text file."""
    _introduction, *sections = re.split(r"^=== ", _TABLE.read_text(), flags=re.MULTILINE)
    for section in sections:
        head, *lines = section.strip("\n").split("\n")
        found = re.fullmatch(r"(.+?) \((\w+)\)(?:: (.*))?", head)
        assert found, head
        topic, session, around = found.groups()
        for number, line in enumerate(lines, 1):
            text = (around or "...").replace("...", line) + "\n"
            yield Row(f"{topic} {number}: {line[:40]}", (_read_bytes(text),), Session(session))


def _read_bytes(text):
    """Return the bytes of a text in which <FF> is the byte FF."""
    pieces = re.split("(<[0-9A-F]{2}>)", text)
    return b"".join(
        bytes.fromhex(piece[1:-1]) if at % 2 else piece.encode() for at, piece in enumerate(pieces)
    )


def _ask(name, identity=None, *, key="execute", more=""):
    """Return a command; the id and what comes more are JSON text."""
    given = "" if identity is None else f', "id": {identity}'
    return f'{{"{key}": "{name}"{more}{given}}}\n'.encode()


def _out_of_band(name, identity):
    return _ask(name, identity, key="exec-oob")


def _number(count, name="query-version"):
    """Return so many commands, with ids that tell their order."""
    return b"".join(_ask(name, number) for number in range(1, count + 1))


VERSION = _ask("query-version").strip()
CAPABILITIES = _ask("qmp_capabilities").strip()
ENABLE_OOB = _ask("qmp_capabilities", more=', "arguments": {"enable": ["oob"]}')
BAD_CAPABILITY = _ask("qmp_capabilities", more=', "arguments": {"enable": ["nope"]}')


def _row(name, *steps):
    return Row(name, steps)


def _raw(name, *steps):
    return Row(name, steps, Session.RAW)


def _oob(name, *steps):
    return Row(f"oob: {name}", steps, Session.OOB)


_NEGOTIATION = [
    _raw("no negotiation"),
    _raw("negotiated twice at once", _ask("qmp_capabilities", 1) + _ask("qmp_capabilities", 2)),
    _raw("negotiated with the first question behind it", CAPABILITIES + VERSION),
    _raw("negotiated after garbage", b"$ garbage\xff\n{]\n" + CAPABILITIES + VERSION),
    _raw("negotiated out of band", _out_of_band("qmp_capabilities", 1) + VERSION),
    _raw("negotiated in single quotes", b"{'execute': 'qmp_capabilities', 'id': 'x'}" + VERSION),
    _raw("no line end", CAPABILITIES, REPLY, VERSION, REPLY, CAPABILITIES, REPLY),
    _raw("a refused capability, then none", BAD_CAPABILITY, REPLY, CAPABILITIES, REPLY, VERSION),
    _raw("a refused capability, then a question", BAD_CAPABILITY + VERSION + ENABLE_OOB + VERSION),
    _raw("a hundred questions too early", _number(100), CAPABILITIES),
    _row("forgotten by a new connection", AGAIN, VERSION, REPLY, CAPABILITIES, REPLY, VERSION),
    _oob("forgotten by a new connection", AGAIN, CAPABILITIES, _out_of_band("query-yank", 1)),
    _row("oob with a new connection", AGAIN, ENABLE_OOB, _out_of_band("query-yank", '"oob"')),
]

_FRAMING = [
    _row("answers without a line end", VERSION, REPLY, VERSION, REPLY, b"[]", REPLY, b'"x"', REPLY),
    _row("a number waits for its end", b"42", QUIET, b" ", REPLY, b"4", QUIET, b"2,", REPLY, REPLY),
    _row("a word waits for its end", b"nul", QUIET, b"l", QUIET, b"\n", REPLY),
    _row("one value on many lines", b'\n{"execute"\r\n:\n"nope"\n,"id"\n:\n[\n1\n]\n', QUIET, b"}"),
    _row("tabs between tokens", b'\t{\t"execute"\t:\t"query-version"\t}\t', REPLY),
    _row("byte by byte", *(bytes((byte,)) for byte in _ask("query-version", '"\\u20ac€" ,"a":1'))),
    _row("a pause in a string", b'{"execute": "query-', QUIET, b'version"}', REPLY),
    _row("a pause in an escape", b'{"execute": "nope", "id": "\\', QUIET, b"u00", QUIET, b'e9"}'),
    _row("a pause in a pair", b'{"execute": "nope", "id": "\\ud83d', QUIET, b'\\ude00"}', REPLY),
    _row("a pause in UTF-8", b'{"execute": "nope", "id": "\xe2', QUIET, b"\x82", QUIET, b'\xac"}'),
    _row("a pause in a number", b'{"execute": "nope", "id": 1', QUIET, b"2.", QUIET, b"5}", REPLY),
    _row("a pause in recovery", b"$", REPLY, b"xyz", QUIET, b"xyz\n", QUIET, VERSION, REPLY),
    _row("a stray byte answers at once", b"[1, $", REPLY),
    _row("a stray byte in a number answers at once", b"[1.$", REPLY),
    _row("a wrong escape answers at the end", b'["\\q"', QUIET, b"]"),
    _row("bad UTF-8 answers at the end", b'["\xc3"', QUIET, b"]"),
    _row("a lone extra bracket answers at once", b"}", REPLY, b"]", REPLY),
    _row("a lone comma answers at once", b",", REPLY, VERSION, REPLY, b":", REPLY),
    _row("an object left unfinished", b'{"execute": "x", "id": [', AGAIN, CAPABILITIES + VERSION),
    _row("a string left unfinished", b'{"execute": "', AGAIN, CAPABILITIES + VERSION, REPLY, REPLY),
    _row("recovery left unfinished", b"$$$", REPLY, AGAIN, b"x\n", REPLY, CAPABILITIES + VERSION),
    _row("a number left unfinished", b"42", AGAIN, b"43\n", REPLY, CAPABILITIES + VERSION),
    _row("half of a pair left", b'"\\ud83d', AGAIN, b'\\ude00"\n', CAPABILITIES + VERSION),
]

# What begins no value well, and what may end that.
_FAULTS = {
    "a stray byte": b"$",
    "a stray byte in an object": b'{"a": $',
    "a broken string": b'"a\tb',
    "an unfinished array": b"[1, ",
    "an unfinished object": b'{"a": {"b": ',
}
_ENDS = {
    "LF": b"\n", "FF": b"\xff", "FE": b"\xfe", "00": b"\x00", "01": b"\x01", "1F LF": b"\x1f\n",
    "7F LF": b"\x7f\n", "a tab": b"\t", "a space": b" ", "]": b"]", "}": b"}", "a comma": b",",
    "a colon": b":", "a quote": b'"\n',
}  # fmt: skip

_RECOVERY = [
    *(
        _row(f"{fault}, then {name}", start + end + VERSION + b"\n" + _number(2, "query-name"))
        for fault, start in _FAULTS.items()
        for name, end in _ENDS.items()
    ),
    _row("good and bad in turn", b"$\n".join(_number(6).splitlines(keepends=True))),
    _row("good and bad in turn on a line", b"]".join(_number(6).splitlines())),
    _row("a hundred stray bytes", b"$\n" * 100 + VERSION),
    _row("a hundred FF", b"\xff" * 100 + VERSION),
    _row("a hundred closing brackets", b"]" * 100 + VERSION),
]


def _every_byte(around):
    """Return every byte, each within what stands around `?`."""
    return b"".join(around.replace(b"?", bytes((byte,))) for byte in range(256))


_TOKENS = (b"{", b"}", b"[", b"]", b":", b",", b'"a"', b"1", b"null", b"$", b"\n", b"'")
_GARBAGE = [
    _row("every byte on a line", _every_byte(b"?\n")),
    _row("every byte in a row", _every_byte(b"?")),
    _row("every byte in a row, backwards, twice", _every_byte(b"?")[::-1] * 2),
    _row("every byte between values", _every_byte(b"[]?{}\n")),
    _row("every byte in a string", _every_byte(b'"?"\n')),
    _row("every byte in a string of the other kind", _every_byte(b"'?'\n")),
    _row("every byte behind a backslash", _every_byte(b'"\\?"\n')),
    _row("every byte behind a number", _every_byte(b"12?\n")),
    _row("every byte behind a point", _every_byte(b"1.?\n")),
    _row("every byte behind a minus", _every_byte(b"-?\n")),
    _row("every byte behind a word", _every_byte(b"null?\n")),
    _row("every byte behind a percent sign", _every_byte(b"%?\n")),
    _row("every byte in an object", _every_byte(b'{"a"?}]\xff\n')),
    _row("every byte in an id", _every_byte(b'{"execute": "query-name", "id": "?"}\n')),
    _row("every pair with FF", _every_byte(b'"\xff?"\n')),
    _row("every pair with C3", _every_byte(b'"\xc3?"\n')),
    _row("every third byte of UTF-8", _every_byte(b'"\xe0\xa0?"\n')),
    _row("random bytes", bytes((n * n * 7919 + n * 13) % 65521 % 256 for n in range(1400))),
    _row("random tokens", b" ".join(_TOKENS[n * n * 31 // 7 % 12] for n in range(900))),
    _row("random tokens, close together", b"".join(_TOKENS[n**3 // 5 % 12] for n in range(900))),
    _row("a long stray word", b"a" * 3000 + b"$\n"),
    _row("a long unknown keyword", b"a" * 3000 + b"\n"),
    _row("a long number with a letter", b"1" * 3000 + b"x\n"),
    _row("a long string with a line end", b'"' + b"x" * 3000 + b"\n"),
    _row("a long string with a bad escape", b'"' + b"x" * 3000 + b'\\q"\n'),
    _row("a long string with bad UTF-8", b'"' + b"x" * 3000 + b'\xff"\n'),
    _row("a long key twice", b'{"' + b"k" * 3000 + b'": 1, "' + b"k" * 3000 + b'": 2}\n'),
    _row("long non-ASCII keywords", "ä".encode() * 2000 + b"\n" + b"b" * 1100 + b"\n"),
]

_SLOW_AND_FAST = ("query-qmp-schema", "query-version", "query-commands", "nope", "query-name")
_MIXED = b"".join(
    (_number(2), b"$\n[]\n", _number(9, "nope"), b'{"a" 1}\n{"id": 3}\n', _number(2), b"null\n")
)
_ORDER = [
    _row("eight at once", _number(8)),
    _row("nine at once", _number(9)),
    _row("a hundred at once", _number(100)),
    _row("slow and fast", b"".join(map(_ask, _SLOW_AND_FAST, range(5))) * 3),
    _row("errors keep their place", _MIXED),
    _row("one id many times", _ask("query-version", '"same"') * 5),
    _row("a question in each of many pieces", *(VERSION for _ in range(20))),
]


def _nest(start, middle, end, depth):
    return (start * depth + middle + end * depth).decode()


_NESTED = {"arrays": (b"[", b"]"), "objects": (b'{"a":', b"}"), "both": (b'[{"a":', b"}]")}
_LIMITS = [
    *(
        _row(f"{name} {depth} deep", _nest(start, b"1", end, depth).encode() + b"\n")
        for name, (start, end) in _NESTED.items()
        for depth in (500, 512, 513, 1000, 1023, 1024, 1025, 1030)
    ),
    *(
        _row(f"an id of {name} {depth} deep", _ask("nope", _nest(start, b"1", end, depth)))
        for name, (start, end) in _NESTED.items()
        for depth in (500, 511, 512, 1022, 1023, 1024)
    ),
    _row("only opening brackets", b"[" * 2500 + b"\n"),
    _row("only opening braces", b"{" * 2500 + b"\n"),
    _row("1024 brackets, then a stray byte", b"[" * 1024 + b"$\n" + VERSION),
    _row("1025 brackets, then a stray byte", b"[" * 1025 + b"1, $\n" + VERSION),
    _row("1025 brackets, then a line", b"[" * 1025 + b"\n" + VERSION + b"\n" + VERSION),
    _row("1025 brackets, then FF", b"[" * 1025 + b"\xff\n" + VERSION + b"\n" + VERSION),
    _row("1025 brackets, one closed", b"[" * 1025 + b"]\n" + VERSION + b"\n" + VERSION),
    _row("opened and closed 3000 times", b"[" + b"[]," * 3000 + b"[]]\n"),
    _row("a fault 1024 deep", _nest(b"[", b"{1}", b"]", 1023).encode() + b"\n"),
    _row("an id of 100 000 characters", _ask("query-version", f'"{"x" * 100_000}"')),
    _row("an id of 10 000 numbers", _ask("query-version", list(range(10_000)))),
    _row("an id of 3000 keys", _ask("nope", str({str(n): n for n in range(3000)}))),
    _row("a command's name of 10 000 letters", _ask("x" * 10_000, 1)),
    _row("a key of 10 000 letters", _ask("nope", 1, more=f', "{"x" * 10_000}": 1')),
    _row("more tokens than fit", b"[" + b"0," * (1 << 20) + b"0\n" + VERSION),
]

# No byte here ends two messages at once, as the bracket of `1]` does: QEMU (5.2 to 11.1) aborts
# when that is one more than its queue holds (the assertion in handle_qmp_command, monitor/qmp.c).
_OUT_OF_BAND = [
    _oob("no line end", _out_of_band("query-yank", '"oob"').strip(), REPLY),
    _oob("forty in order", _number(40)),
    _oob("forty out of band", b"".join(_out_of_band("query-yank", f'"oob{n}"') for n in range(40))),
    *(
        _oob(f"{name} between slow ones", b"".join(
            _ask("query-qmp-schema", n) + _out_of_band(name, f'"oob{n}"') for n in range(12)
        ))
        for name in ("query-yank", "query-version", "nope")
    ),
    _oob("errors keep their place", _MIXED),
    _oob("more garbage than the queue holds", b"]" * 50 + _number(3) + b"\xff" * 20),
    _oob("an id 100 deep", _out_of_band("query-yank", _nest(b"[", b"", b"]", 100))),
    _oob("an id of each type", b"".join(
        _out_of_band("query-yank", text) for text in ("null", "1", "1.0", "true", '""', "[]", "{}")
    )),
    _oob("after a stray byte", b"$\n" + _out_of_band("query-yank", '"oob"')),
    _oob("no id", _ask("query-yank", key="exec-oob").strip(), REPLY),
]  # fmt: skip

ROWS = [
    *_read_table(), *_NEGOTIATION, *_FRAMING, *_RECOVERY, *_GARBAGE, *_ORDER, *_LIMITS,
    *_OUT_OF_BAND,
]  # fmt: skip


_ATOMS = [
    *_TOKENS,
    *(bytes((byte,)) for byte in range(256)),
    b"\\u",
    b"\\ud83d",
    b"\\ude00",
    b"1e5",
]
_ATOMS += [b'"id"', b'"execute"', b'"arguments"', b"\xed\xa0\x80", "€".encode(), VERSION]


def mutate(rows, rng, count):
    """Yield rows that are much like these, which a random generator spoils a little.

    None of them ends the server, or is out of band, where QEMU lets the order be.
    """
    pool = [row for row in rows if row.session is not Session.OOB and _is_short(row)]
    made = 0
    while made < count:
        row = rng.choice(pool)
        data = _spoil(bytearray(b"".join(row.steps)), rng)
        if b"quit" not in data and b"enable" not in data:
            made += 1
            yield Row(f"{made}", (data,), row.session)


def _is_short(row):
    return all(isinstance(step, bytes) and len(step) < 2000 for step in row.steps)


def _spoil(data, rng):
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        start = rng.randrange(len(data) + 1)
        end = start + rng.choice((0, 1, 1, 2, 5, 20))
        data[start:end] = rng.choice((b"", rng.choice(_ATOMS), data[start:end] * 2))
    return bytes(data)

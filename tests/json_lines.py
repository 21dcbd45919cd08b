"""Lines that are nearly messages for a schema: right ones, and ones with a fault or an oddity."""

import random

from qscope.serve.types.nodes import Alternate, Array, Enum, Object, Scalar

NUMBERS = [
    *("0", "-0", "1", "-1", "7", "01", "+1", "1.0", "-0.0", "1e3", "1E400", "-1e400", "0.1", "1.5"),
    *("127", "128", "-128", "-129", "255", "256", "32767", "32768", "65535", "65536", "2147483648"),
    *("-2147483649", "4294967295", "4294967296", "9223372036854775807", "9223372036854775808"),
    *("-9223372036854775808", "-9223372036854775809", "18446744073709551615"),
    *("18446744073709551616", "123456789012345678901234567890", "1e-400", "5e-324", "1.", ".5"),
]
STRINGS = [
    *('""', '"a"', '"a:b"', '"::"', '"x\\u0041"', '"\\n"', '"\\ud83d\\ude00"', '"\\ud800"', "'a'"),
    *('"é"', '"€"', '"\U0001f600"', '"\x7f"', '"\\u0000"', '"a\tb"', '"{"', '"}"', '"\\""', '"on"'),
    *('"\\uffff"', '"\ufffe"', '"a//b"', '"\\/"', '"%s"', '"1"', '"file"', '"a b"', "'\\''"),
]
OTHERS = [
    "null",
    "true",
    "false",
    "[]",
    "{}",
    "nul",
    "NaN",
    "True",
    "[1]",
    '{"a":1}',
    "[[],{}]",
    "",
]
ODD = NUMBERS + STRINGS + OTHERS
_SPACES = ["", "", "", "", " ", "  ", "\t", "\r", " \r\t"]
_DEEPEST = 4


class Writer:
    """Writes JSON for types; `odds` is how often something odd is put in a place."""

    def __init__(self, seed, odds):
        self.dice = random.Random(seed)
        self.odds = odds

    def is_odd(self):
        return self.dice.random() < self.odds

    def space(self):
        return self.dice.choice(_SPACES) if self.odds else ""

    def write(self, node, depth=0):
        """Return a value of a type, or something else if the dice say so."""
        if self.is_odd():
            return self.dice.choice(ODD)
        match node:
            case Scalar(name=name):
                return self._write_scalar(name, depth)
            case Enum(values=values):
                others = ["nope"] if self.odds or not values else []
                return f'"{self.dice.choice([*values, *others])}"'
            case Array(element=element):
                count = 0 if depth > _DEEPEST else self.dice.randint(0, 3)
                items = [self.write(element, depth + 1) for _ in range(count)]
                return self._join("[", items, "]")
            case Object():
                return self._write_object(node, depth)
            case Alternate(branches=branches):
                return self.write(self.dice.choice(branches), depth) if branches else "null"

    def _join(self, start, items, end):
        body = ",".join(f"{self.space()}{each}{self.space()}" for each in items)
        return start + body + end

    def _write_scalar(self, name, depth):
        match name:
            case "str":
                return self.dice.choice(STRINGS if self.odds else STRINGS[:5])
            case "bool":
                return self.dice.choice(["true", "false"])
            case "null":
                return "null"
            case "any":
                return self._write_any(depth)
            case "number":
                return self.dice.choice(["0", "1.5", "-2e3", "9223372036854775808", "-0"])
            case _:
                return str(self.dice.choice([0, 1, 100, 127]))

    def _write_any(self, depth):
        if self.is_odd():
            return self.dice.choice(ODD)
        choice = self.dice.randint(0, 3 if depth <= _DEEPEST else 1)
        if choice < 2:
            return self.dice.choice(["1", '"s"', "null", "true", "1.5", "-3"])
        if choice == 2:
            items = [self._write_any(depth + 1) for _ in range(self.dice.randint(0, 2))]
            return self._join("[", items, "]")
        keys = [self.dice.choice("abc") for _ in range(self.dice.randint(0, 2))]
        return self.write_pairs(
            [(each, self._write_any(depth + 1)) for each in dict.fromkeys(keys)]
        )

    def _write_object(self, node, depth):
        pairs = []
        part = node
        while part is not None:
            tag, following = part.tag, None
            for member in part.members:
                if member.name == tag and part.branches and not self.is_odd():
                    case = self.dice.choice([*part.branches])
                    following = part.branches[case]
                    pairs.append((tag, f'"{case}"'))
                elif self._wants(member, depth):
                    pairs.append((member.name, self.write(member.type, depth + 1)))
            part = following
        return self.write_pairs(pairs)

    def _wants(self, member, depth):
        if member.optional:
            return depth < _DEEPEST and self.dice.random() < 0.5
        return depth < 3 * _DEEPEST and not self.is_odd()

    def write_pairs(self, pairs):
        """Write an object; its keys come in any order, some twice or with another spelling."""
        pairs = list(pairs)
        self.dice.shuffle(pairs)
        if pairs and self.is_odd():
            again = self.dice.choice(pairs)
            value = again[1] if self.dice.random() < 0.5 else self.dice.choice(ODD)
            pairs.insert(self.dice.randint(0, len(pairs)), (again[0], value))
        if self.is_odd():
            key = self.dice.choice(["", "x", "a", ":", "é", "id", "execute", "\\u0061", "Id"])
            pairs.append((key, self.dice.choice(ODD)))
        return self._join("{", [self._write_pair(*each) for each in pairs], "}")

    def _write_pair(self, key, value):
        quote = "'" if self.odds and self.dice.random() < self.odds / 3 else '"'
        if self.odds and key and self.dice.random() < self.odds / 3:
            key = f"\\u{ord(key[0]):04x}{key[1:]}"
        return f"{quote}{key}{quote}{self.space()}:{self.space()}{value}"

    def write_line(self, commands):
        """Return the bytes of a message to one of `commands`: names with their arguments' types."""
        name, node = self.dice.choice(commands)
        pairs = [("execute", self.dice.choice(ODD) if self.is_odd() else f'"{name}"')]
        if node is not None and not self.is_odd():
            pairs.append(("arguments", self.write(node)))
        if self.dice.random() < 0.7:
            pairs.append(("id", self.dice.choice(ODD if self.odds else NUMBERS[:2] + STRINGS[:4])))
        line = self.space() + self.write_pairs(pairs) + self.space()
        if self.is_odd():
            line += self.dice.choice(["}", "{", ",", "x", '"', "{}", "\n{", line, "\n" + line])
        data = line.encode("utf-8", "surrogatepass") + b"\n"
        return self._damage(data) if self.is_odd() else data

    def _damage(self, data):
        start = self.dice.randrange(len(data))
        stop = min(len(data), start + self.dice.randint(0, 3))
        piece = self.dice.choice(
            [b"", b"\n", b" ", b":", b'"', b"\\", b"\xff", b"{", b"}", b"\x00"]
        )
        return data[:start] + piece + data[stop:]

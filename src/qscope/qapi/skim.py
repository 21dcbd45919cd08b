"""Skim a documentation comment: what it describes, if it surely keeps all rules.

In: a comment. Out: `Outline`, or None for a comment that must be read line by line (docs.py), since
something about it is wrong or unusual. Nine in ten are written in the usual form: descriptions
indented by four, sections apart.
"""

import re

from qscope.qapi.doc_style import keeps_style
from qscope.qapi.docs import Outline

# QEMU strips any space from a line's end; the patterns below know blanks alone.
_find_odd_space = re.compile(r"[^\S\n ]").search
_DEFINITION = re.compile(r"##\n# @([^:\s]+):\n")
_FREE_FORM = re.compile(r"##\n(?!# @)(?:#(?: (?!@[^:\n]*:).*)?\n)*##")
_TAG = r"(?:Returns|Errors|Since|TODO|Notes?|Examples?):(?!:)"
# What goes on below a description or a tag: lines indented by four or more, up to a blank one, the
# next description, or the end; and no other indented line. Where it fails it fails on every line,
# after looking over a few blank ones: so the time it takes is in proportion.
_INDENTED = r"""(?:
    ( (?: \#\n )* \#\ {5}\S.*\n (?: \#\n | \#\ {5,}\S.*\n )* )
    (?: (?<=\n\#\n) | (?= \#\#\Z | \#\ @[^:\n]*: ) )
    (?! (?: \#\n )* \#\ \ +\S )
  | (?! (?: \#\n )* \#\ \ +\S )
)"""
_PART = re.compile(
    rf"""
    (?: \#\n )*
    (?:
        \#\ @ (?P<name>[^:\n]+) : (.*) \n {_INDENTED}
      | \#\ (Returns|Errors|Since|TODO) :(?!:) (.*) \n {_INDENTED}
      | \#\ (Features):\ *\n
      | (\#\ ) (?: \ +\S.*\n | (?!\ |@[^:\n]*:|Features:\ *\n|{_TAG}) .+\n ) (?: \#\ +\S.*\n )*
      | \#\#\Z
      | ([\s\S])
    )
    """,
    re.VERBOSE,
)
_MANY_BLANK_LINES = "#\n" * 4
_FREE_FORM_OUTLINE = Outline()


def skim(raw: str) -> Outline | None:
    """Return what a comment describes; None when it must be read line by line."""
    if _MANY_BLANK_LINES in raw or _find_odd_space(raw) or not keeps_style(raw):
        return None
    start = _DEFINITION.match(raw)
    if start is None:
        return _FREE_FORM_OUTLINE if _FREE_FORM.fullmatch(raw) else None
    return _skim_parts(start[1], _PART.findall(raw, start.end()))


def _skim_parts(symbol: str, parts: list[tuple[str, ...]]) -> Outline | None:
    members: dict[str, None] = {}
    features: dict[str, None] = {}
    tags: list[str] = []
    # Where a description would go now; None where there must be none.
    described: dict[str, None] | None = members
    for name, text, more, tag, tagged, below, heading, paragraph, unusual in parts:
        if name:
            if described is None or not (text.strip() or more) or name in described:
                return None
            described[name] = None
            continue
        if unusual or (heading and features) or (described is features and not features):
            return None
        if tag:
            if not (tagged.strip() or below) or tag in tags:
                return None
            tags.append(tag)
        if heading:
            described = features
        elif tag or (paragraph and described):
            described = None
    return Outline(symbol, tuple(members), tuple(features), tuple([tag.lower() for tag in tags]))

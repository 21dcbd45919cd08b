"""Where in the bytes of a connection something is: what QEMU 11.1 puts before its JSON errors."""

from typing import NamedTuple, Self


class Place(NamedTuple):
    """A line and a column, in bytes. Both count from 1 over the whole connection."""

    line: int = 1
    column: int = 1

    def pass_over(self, text: str, start: int, end: int) -> Self:
        """Return the place behind `text[start:end]`, which begins at this one."""
        if lines := text.count("\n", start, end):
            last = text.rindex("\n", start, end)
            return self._replace(line=self.line + lines, column=end - last)
        return self._replace(column=self.column + end - start)

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"

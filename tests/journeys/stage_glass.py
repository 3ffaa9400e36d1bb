"""What a terminal would show: a screen of cells that understands what a full-screen program writes, and no more.

A control sequence beyond that is put aside in `strange`, so that a test sees when somebody's text acts on a terminal.
"""

import codecs
import re
import unicodedata
from typing import Final

from prompt_toolkit.utils import get_cwidth

_ESC: Final = "\x1b"
_CSI: Final = re.compile(r"\x1b\[([?>=!]?)([0-9;]*)([ ]?)([@-~])")
_OSC: Final = re.compile(r"\x1b\](.*?)(?:\x07|\x1b\\)", re.DOTALL)
_PLAIN: Final = re.compile(r"\x1b[=>78]|\x1b\([B0]")
_BEGUN: Final = re.compile(r"\x1b(?:\[[?>=!]?[0-9;]*[ ]?|\][^\x07\x1b]*|\(?)?\Z")
_ACTING: Final = frozenset({"Cc", "Cf", "Zl", "Zp"})
_JOINING: Final = "\u200c\u200d"
_QUIET: Final = "mhlqn"
"""Colours, modes, cursor shapes and questions: nothing that moves a cell."""


class Glass:
    """One screen. Fed by whoever reads the program's output."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns = columns
        self.rows = rows
        self.strange: list[str] = []
        self.said = ""
        """Everything that was written, as it came."""
        self._cells = self._blank()
        self._x = self._y = 0
        self._wraps = True
        self._pending = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def text(self) -> str:
        """The screen, line by line, without trailing blanks."""
        return "\n".join("".join(line).rstrip() for line in self._cells)

    def feed(self, data: bytes) -> None:
        """Bytes that the program wrote."""
        text = self._decoder.decode(data)
        self.said += text
        self._pending += text
        while self._pending:
            taken = self._take()
            if not taken:
                return
            self._pending = self._pending[taken:]

    def _take(self) -> int:
        """Act on what stands first; how many characters that were, 0 if the rest has yet to come."""
        if self._pending[0] != _ESC:
            self._put(self._pending[0])
            return 1
        if found := _CSI.match(self._pending):
            self._control(*found.groups())
        elif found := _OSC.match(self._pending):
            self.strange.append(found[0])
        elif not (found := _PLAIN.match(self._pending)):
            if _BEGUN.match(self._pending):
                return 0
            self.strange.append(self._pending[:2])
            return 2
        return found.end()

    def _put(self, char: str) -> None:
        if char == "\r":
            self._x = 0
        elif char == "\n":
            self._down()
        elif char == "\b":
            self._x = max(0, self._x - 1)
        elif unicodedata.category(char) in _ACTING and char not in _JOINING:
            self.strange.append(char)
        else:
            self._print(char)

    def _print(self, char: str) -> None:
        width = get_cwidth(char)
        if not width:
            self._cells[self._y][max(0, self._x - 1)] += char
            return
        if self._x + width > self.columns:
            self._x = 0 if self._wraps else self.columns - width
            if self._wraps:
                self._down()
        self._cells[self._y][self._x : self._x + width] = [char, *[""] * (width - 1)]
        self._x += width

    def _down(self) -> None:
        if self._y + 1 < self.rows:
            self._y += 1
        else:
            self._cells = [*self._cells[1:], [" "] * self.columns]

    def _control(self, private: str, numbers: str, _space: str, final: str) -> None:
        given = [int(number or 0) for number in numbers.split(";")]
        count = max(1, given[0])
        if private == "?" and final in "hl":
            self._mode(given[0], on=final == "h")
        elif final in "ABCDG":
            self._move(final, count)
        elif final == "H":
            row, column = ([*given, 1])[:2]
            self._y, self._x = self._row(max(1, row) - 1), self._column(max(1, column) - 1)
        elif final in "JK":
            self._erase(final, given[0])
        elif final not in _QUIET:
            self.strange.append(f"{_ESC}[{private}{numbers}{final}")

    def _mode(self, number: int, *, on: bool) -> None:
        if number == 7:  # DECAWM
            self._wraps = on
        elif number == 1049:  # the alternate screen begins and ends empty here
            self._cells, self._x, self._y = self._blank(), 0, 0

    def _move(self, final: str, count: int) -> None:
        if final == "G":
            self._x = self._column(count - 1)
        elif final in "AB":
            self._y = self._row(self._y + (count if final == "B" else -count))
        else:
            self._x = self._column(self._x + (count if final == "C" else -count))

    def _erase(self, final: str, which: int) -> None:
        line = self._cells[self._y]
        if which == 0:
            line[self._x :] = [" "] * (self.columns - self._x)
        elif which == 1:
            line[: self._x + 1] = [" "] * (self._x + 1)
        else:
            line[:] = [" "] * self.columns
        if final == "J":
            gone = {0: range(self._y + 1, self.rows), 1: range(self._y)}.get(which, range(self.rows))
            for row in gone:
                self._cells[row] = [" "] * self.columns

    def _row(self, row: int) -> int:
        return min(max(0, row), self.rows - 1)

    def _column(self, column: int) -> int:
        return min(max(0, column), self.columns - 1)

    def _blank(self) -> list[list[str]]:
        return [[" "] * self.columns for _ in range(self.rows)]

"""How the room is drawn: its styles, and the control that shows its last lines."""

from collections.abc import Callable
from typing import Final

from prompt_toolkit.data_structures import Point
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.layout import UIContent, UIControl
from prompt_toolkit.styles import Style

from sotto.chat.lines import Line

STYLE: Final = Style.from_dict(
    {
        "title": "reverse",
        "status": "reverse",
        "own": "ansicyan",
        "other": "ansigreen",
        "day": "ansibrightblack",
        "gap": "ansiyellow bold",
        "remark": "ansibrightblack italic",
        "caution": "ansired bold",
    }
)


class Pane(UIControl):
    """The lines of the room, the newest at the bottom. `back` counts lines scrolled up; owned by the screen."""

    def __init__(self, lines: Callable[[int], list[Line]]) -> None:
        self._lines = lines
        self.back = 0
        self.height = 1

    def create_content(self, width: int, height: int) -> UIContent:
        """The lines that fit, from `back` lines above the end."""
        lines = self._lines(width)
        self.height = height
        self.back = max(0, min(self.back, len(lines) - height))
        end = len(lines) - self.back
        shown: list[StyleAndTextTuples] = [list(line) for line in lines[max(0, end - height) : end]]
        shown = [[] for _ in range(height - len(shown))] + shown
        return UIContent(lambda at: shown[at], line_count=len(shown), cursor_position=Point(0, len(shown) - 1))

    def at_top(self, width: int) -> bool:
        """Whether the first line is on screen."""
        return self.back + self.height >= len(self._lines(width))

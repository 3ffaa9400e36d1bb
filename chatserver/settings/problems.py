"""A refusal to start: sentences, each of which says how to mend one thing. None of them holds a value."""

import os
from collections.abc import Sequence
from typing import Final

EX_CONFIG: Final = os.EX_CONFIG
"""Exit code of a refused configuration (sysexits.h)."""


class ConfigurationRefusedError(Exception):
    """Sotto does not start like this. `problems` has one sentence for each thing to mend, all of them at once."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)

"""Removes each check of `crypto/` in turn and demands that a vector or a test fails without it.

`python -m crypto.vectors.removals [jobs]`. mutmut changes operators and arguments but takes no statement away;
this does nothing else. Removed, one at a time: a call of a check that stands alone; a check around a value,
which then passes as it is; an `if` that only raises; one operand of an `and` or `or`; one exception of several.
"""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent.parent
CHECKS = ("require", "_require", "verify", "_judge", "fixed")
TESTS = ("test_crypto_vectors.py", "test_crypto_*.py")  # the vectors first: they fail soonest
TIMEOUT_S = 120


@dataclass(frozen=True)
class Removal:
    """A module's text without one check, and where that stood."""

    module: str
    line: int
    what: str
    text: str


def is_check(node: ast.AST) -> bool:
    """Whether this is a call of something that refuses."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.startswith(CHECKS)


def without(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in a node's place once a check is taken from it."""
    match node:
        case ast.Expr(value=value) if is_check(value):
            yield ast.Pass()
        case ast.Call(args=[first, *_]) if is_check(node):
            yield first
        case ast.If(body=[ast.Raise()], orelse=[]):
            yield ast.Pass()
        case ast.BoolOp(values=values):
            yield from (_fewer(node, values, at) for at in range(len(values)))
        case ast.ExceptHandler(type=ast.Tuple(elts=kinds)):
            yield from (_catching(node, kind) for kind in kinds)


def _fewer(node: ast.BoolOp, values: list[ast.expr], at: int) -> ast.AST:
    left = [*values[:at], *values[at + 1 :]]
    return left[0] if len(left) == 1 else ast.BoolOp(node.op, left)


def _catching(node: ast.ExceptHandler, kind: ast.expr) -> ast.AST:
    handler = deepcopy(node)
    handler.type = kind
    return handler


class _Swap(ast.NodeTransformer):
    """Puts one node in another's place; `target` counts nodes in walking order."""

    def __init__(self, target: ast.AST, instead: ast.AST) -> None:
        self._target = target
        self._instead = instead

    def visit(self, node: ast.AST) -> ast.AST:
        """The replaced tree; the target itself is not walked into."""
        if node is self._target:
            return ast.copy_location(self._instead, node)
        return super().generic_visit(node)


def removals(path: Path) -> Iterator[Removal]:
    """Every removal in one module."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    alone = {node.value for node in nodes if isinstance(node, ast.Expr)}
    for at, node in enumerate(nodes):
        if node in alone:
            continue  # taken away with its statement
        for choice, instead in enumerate(without(node)):
            fresh = ast.parse(path.read_text())
            target = list(ast.walk(fresh))[at]
            again = list(without(target))[choice]
            changed = ast.fix_missing_locations(_Swap(target, again).visit(fresh))
            what = f"{ast.unparse(node)!s:.90} -> {ast.unparse(instead)!s:.60}".replace("\n", " ")
            yield Removal(path.name, getattr(node, "lineno", 0), what, ast.unparse(changed))


def survives(removal: Removal) -> bool:
    """Whether all tests still pass without this check."""
    with TemporaryDirectory() as folder:
        room = Path(folder)
        shutil.copytree(ROOT / "crypto", room / "crypto", ignore=shutil.ignore_patterns("__pycache__"))
        (room / "crypto" / removal.module).write_text(removal.text)
        tests = [str(path) for pattern in TESTS for path in sorted((ROOT / "tests").glob(pattern))]
        options = ["-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-o", f"pythonpath={room}"]
        command = [sys.executable, "-m", "pytest", *options, "-c", str(ROOT / "pyproject.toml"), *tests]
        run = subprocess.run(command, cwd=room, capture_output=True, check=False, timeout=TIMEOUT_S)  # noqa: S603 -- our own interpreter and tests
        return run.returncode == 0


def main() -> int:
    """Print what survives and how many of how many were noticed; 1 if any survived."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    unchanged = Removal("keys.py", 0, "nothing", (ROOT / "crypto" / "keys.py").read_text())
    if not survives(unchanged):
        sys.exit("the tests fail with every check in its place")
    every = [one for path in sorted((ROOT / "crypto").glob("*.py")) for one in removals(path)]
    with ThreadPoolExecutor(jobs) as pool:
        left = [one for one, alive in zip(every, pool.map(survives, every), strict=True) if alive]
    if not survives(unchanged):  # something else broke meanwhile, and what it broke was counted as noticed
        sys.exit("the tests fail with every check in its place")
    for one in left:
        print(f"survived: {one.module}:{one.line}: {one.what}")  # noqa: T201 -- a command prints its result
    print(f"{len(every) - len(left)} of {len(every)} removals were noticed")  # noqa: T201 -- same
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())

"""Reading source text as a tree, the one way that tests do."""

import ast
import gc


def parsed(text: str) -> ast.Module:
    """The tree of `text`.

    No collection runs meanwhile: a finalizer that compiles makes CPython before 3.11.10 refuse the outer tree
    (python/cpython issue 106905).
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(text)
    finally:
        if enabled:
            gc.enable()

"""Turning markers into failpoints: statements are inserted at the lines of the comments, and no line moves."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

import attrs

from chaos_failpoint.errors import MarkerError
from chaos_failpoint.markers.finding import Marker

_CONTINUES = ("elif", "else", "except", "finally")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def variable(marker: Marker) -> str:
    """Return the global name of the handle of *marker*; no class mangles it."""
    return f"__failpoint_{marker.line}__"


@attrs.frozen(eq=False)
class _Block:
    """
    A list of statements, and what a failpoint in it may do.

    Attributes:
        body: The statements.
        is_async: Whether `await` may stand there.
        returns: ``"value"``, ``"bare"`` or ``""``: which `return` may stand there.
    """

    body: list[ast.stmt]
    is_async: bool = False
    returns: str = ""


def insert(tree: ast.Module, markers: Sequence[Marker]) -> ast.Module:
    """
    Return *tree* with a failpoint for each of *markers*.

    Raises:
        MarkerError: A marker stands where no statement could.
    """
    blocks = [_Block(tree.body), *_blocks(tree, _Block(tree.body))]
    places = [(*_place(marker, blocks), marker) for marker in markers]
    for block, index, marker in reversed(places):
        block.body.insert(index, _statement(marker, block))
    return tree


def _blocks(node: ast.AST, within: _Block) -> Iterator[_Block]:
    """Yield every list of statements inside *node*."""
    for name, value in ast.iter_fields(node):
        children = value if isinstance(value, list) else [value]
        inner = within
        if isinstance(node, ast.TryStar) and name == "handlers":
            inner = attrs.evolve(within, returns="")  # Python forbids `return` in `except*`
        elif children and isinstance(children[0], ast.stmt) and not isinstance(node, ast.Module):
            inner = _inner(node, name, children, within)
            yield inner
        for child in children:
            if isinstance(child, ast.AST):
                yield from _blocks(child, inner)


def _inner(node: ast.AST, name: str, body: list[ast.stmt], within: _Block) -> _Block:
    if isinstance(node, _FUNCTIONS):
        is_async = isinstance(node, ast.AsyncFunctionDef)
        return _Block(body, is_async, "bare" if is_async and _yields(node) else "value")
    if isinstance(node, ast.ClassDef):
        return _Block(body)
    return _Block(body, within.is_async, "" if name == "finalbody" else within.returns)  # it would swallow errors there


def _yields(function: ast.AST) -> bool:
    """Tell whether *function* itself, not one inside it, has a `yield`."""
    for child in ast.iter_child_nodes(function):
        if isinstance(child, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(child, (*_FUNCTIONS, ast.Lambda)) and _yields(child):
            return True
    return False


def _place(marker: Marker, blocks: Sequence[_Block]) -> tuple[_Block, int]:
    """Return into which block, and before which of its statements, the failpoint of *marker* belongs."""
    if marker.after_column == marker.column and marker.after_word not in _CONTINUES:
        for block in blocks:
            for index, each in enumerate(block.body):
                if _begins(each) == marker.after and each.col_offset == marker.column:
                    return block, max(index, _after_head(block.body))
    for block in blocks:
        if _ends_above(block.body, marker):
            return block, len(block.body)
    reason = f"no statement can stand at failpoint {marker.name!r}; indent the comment as the code around it"
    raise MarkerError(marker.path, marker.line, reason)


def _ends_above(body: Sequence[ast.stmt], marker: Marker) -> bool:
    """Tell whether *body* is what ends right above *marker*, and is indented as the marker is."""
    if not body or body[0].col_offset != marker.column:
        return False
    return _begins(body[0]) <= marker.before <= _ends(body[-1]) < marker.line


def _begins(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(each.lineno for each in decorators)])


def _ends(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno


def _after_head(body: Sequence[ast.stmt]) -> int:
    """Return where the first statement may be inserted: a docstring and imports from the future stay in front."""
    count = 0
    for each in body:
        is_text = count == 0 and isinstance(each, ast.Expr) and isinstance(getattr(each.value, "value", None), str)
        if not is_text and not (isinstance(each, ast.ImportFrom) and each.module == "__future__"):
            break
        count += 1
    return count


def _statement(marker: Marker, block: _Block) -> ast.stmt:
    """Return the failpoint of *marker* as a statement that stands wholly at its line."""
    name = variable(marker)
    hit = f"await {name}.ahit()" if block.is_async else f"{name}.hit()"
    lines = {
        "value": f" {_RESULT} = {hit}\n if {_RESULT} is not None: return {_RESULT}.value",
        "bare": f" if {hit} is not None: return",
        "": f" {hit}",
    }
    (statement,) = ast.parse(f"if {name}.armed:\n{lines[block.returns]}").body
    for each in ast.walk(statement):
        if isinstance(each, (ast.stmt, ast.expr)):
            each.lineno = each.end_lineno = marker.line
            each.col_offset, each.end_col_offset = marker.column, marker.column + 1
    return statement


_RESULT = "__failpoint_returned__"

"""What sites are called: by the key a draw is returned under, else by the variable it is stored in.

The variable is found in the source, from the call outwards: ``mu = rng.normal()`` names the draw,
and so do ``a, b = rng.normal(), rng.gamma(2)``, ``a = helper(rng)`` where the helper returns it,
``xs.append(rng.normal())`` and ``xs = [rng.normal() for …]``.  A draw that is computed with before
it is stored has no name but its family's: the variable then holds something else.
"""

from __future__ import annotations

import ast
import functools
import linecache
from collections import Counter
from collections.abc import Sequence

from adlab.errors.places import Place
from adlab.probprog.discovery import Output, Record
from adlab.probprog.equations import leaf_names
from adlab.probprog.solving import Solver

__all__ = ["observed_names", "returned_names", "site_names", "spelled", "stored_in"]


def site_names(record: Record) -> list[str]:
    """Return the name of each site, in order.

    Draws that are no sites any more are counted, so that the others keep their names.
    """
    entries = [
        (name, "" if name else stored_in(site.callers), site.family.variable)
        for name, site in zip(returned_names(record), record.sites, strict=True)
    ]
    present = [*range(len(entries))]
    for each in reversed(record.absent):
        entries.insert(each.before, ("", stored_in(each.callers), each.family.variable))
        present = [k + 1 if k >= each.before else k for k in present]
    names = _numbered(entries)
    return [names[k] for k in present]


def _numbered(entries: Sequence[tuple[str, str, str]]) -> list[str]:
    """Return a name for each key, variable and family."""
    totals = Counter([x for key, variable, _ in entries for x in (key, variable) if x])
    seen: Counter[str] = Counter()
    names = []
    for name, variable, family in entries:
        if not name:
            repeated = variable or family
            name = f"{variable}[{seen[repeated]}]" if variable else f"{repeated}_{seen[repeated]}"
            name = variable if totals[variable] == 1 else name
            seen[repeated] += 1
        names.append(name)
    return names


def observed_names(record: Record) -> list[str]:
    """Return the name of each draw that had its value, by that under which it was given.

    Names that would be the same, or those of sites, are numbered.
    """
    given = [each.name for each in record.observed]
    totals = Counter([*given, *(site_names(record) if given else ())])
    seen: Counter[str] = Counter()
    names = []
    for name in given:
        names.append(name if totals[name] == 1 else f"{name}[{seen[name]}]")
        seen[name] += 1
    return names


def returned_names(record: Record) -> list[str]:
    """Return for each site the name of the leaf it alone is found from; empty if there is none."""
    labels: dict[int, str] = {}
    for output, label in zip(record.outputs, leaf_names(record.structure), strict=True):
        if isinstance(output, Output):
            labels.setdefault(int(output), label)
    solver = Solver(record, labels)
    solver.run()
    origins = [solver.origins.get(site.node, frozenset[int]()) for site in record.sites]
    uses = Counter(n for each in origins for n in each)
    names = []
    for each in origins:
        leaf = next(iter(each)) if len(each) == 1 else None
        names.append(labels[leaf] if leaf is not None and uses[leaf] == 1 else "")
    return names


def stored_in(callers: Sequence[Place]) -> str:
    """Return the variable a value is stored in by the nearest caller that stores it."""
    path: list[int] = []
    for place in callers:
        name, path = _target(place, path)
        if name or path is _ELSEWHERE:
            return name
    return ""


#: The path of a value that is neither stored nor returned as it is.
_ELSEWHERE: list[int] = []


def _target(place: Place, path: list[int]) -> tuple[str, list[int]]:
    """Return where the value of the call at a place goes: a variable, or the caller.

    ``path`` are the positions of the value in nested tuples that the call returns.
    """
    parents, nodes = _parsed(place.f_code.co_filename, _source(place))
    node = nodes.get(_extent_of(place))
    while node is not None:
        parent = parents.get(node)
        if isinstance(parent, (ast.Tuple, ast.List)):
            path = [parent.elts.index(node), *path]
        elif isinstance(parent, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
            targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
            return _variable(targets[0], path), _ELSEWHERE
        elif isinstance(parent, ast.Return):
            return "", path
        elif isinstance(parent, ast.ListComp) and parent.elt is node:
            path = []
        elif isinstance(parent, ast.Call) and _appends(parent):
            return _variable(parent.func.value, []), _ELSEWHERE  # type: ignore[attr-defined]
        else:
            return "", _ELSEWHERE
        node = parent
    return "", _ELSEWHERE


def _appends(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "append"


def _variable(target: ast.AST, path: list[int]) -> str:
    """Return the variable that a target binds at a path of positions."""
    for position in path:
        if not isinstance(target, (ast.Tuple, ast.List)) or position >= len(target.elts):
            break
        if any(isinstance(each, ast.Starred) for each in target.elts):
            return ""
        target = target.elts[position]
    while isinstance(target, ast.Subscript):
        target = target.value
    return target.id if isinstance(target, ast.Name) else getattr(target, "attr", "")


def spelled(place: Place) -> list[float]:
    """Return the numbers that are operands of the operation at a place, as they are written."""
    _, nodes = _parsed(place.f_code.co_filename, _source(place))
    numbers = []
    for each in _operands(nodes.get(_extent_of(place))):
        sign = 1
        if isinstance(each, ast.UnaryOp) and isinstance(each.op, ast.USub):
            sign, each = -1, each.operand  # noqa: PLW2901 - what the sign is of
        if isinstance(each, ast.Constant) and isinstance(each.value, (int, float)):
            numbers.append(sign * each.value)
    return numbers


def _operands(node: ast.AST | None) -> list[ast.expr]:
    if isinstance(node, ast.Call):
        return [*node.args, *[each.value for each in node.keywords]]
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    return [node.value] if isinstance(node, ast.AugAssign) else []


def _source(place: Place) -> str:
    return "".join(linecache.getlines(place.f_code.co_filename, place.f_globals))


def _extent_of(place: Place) -> tuple[int | None, ...]:
    positions = list(place.f_code.co_positions())
    return positions[place.f_lasti // 2]


@functools.lru_cache(maxsize=64)
def _parsed(
    filename: str, source: str
) -> tuple[dict[ast.AST, ast.AST], dict[tuple[int | None, ...], ast.AST]]:
    """Return the parent of each node of a file, and calls and operations by their extent."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # a cell with magics, null bytes
        return {}, {}
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    calls: dict[tuple[int | None, ...], ast.AST] = {
        (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset): node
        for node in parents
        if isinstance(node, (ast.Call, ast.Compare, ast.BinOp, ast.AugAssign))
    }
    return parents, calls

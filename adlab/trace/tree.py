"""Pytrees: nested containers seen as a flat list of leaves and a structure.

Containers are dict, OrderedDict, defaultdict, list, tuple, None, namedtuples, dataclasses and what
`register_pytree` adds; a subclass of list, dict or tuple is none of them, and everything that is
not a container is a leaf. The law: ``structure.unflatten(leaves)`` gives back the tree that
``leaves, structure = flatten(tree)`` took apart, with containers of the same types.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, NoReturn, TypeVar

from adlab.errors import StructureError, explain, shorten

T = TypeVar("T")


class _Kind(NamedTuple):
    """How one sort of container comes apart and together again."""

    flatten: Callable[[Any], tuple[Sequence[Any], Any]]
    unflatten: Callable[[Any, list[Any]], Any]
    labels: Callable[[Any, int], Iterable[str]]  # (aux, number of children) -> path steps
    keys: Callable[[Any], Sequence[Any]] | None = None  # given: children are matched by key
    form: str = "{type}({children})"  # for repr


class Structure:
    """What remains of a pytree when its leaves are taken out.

    Structures compare equal when they take their leaves in the same order to the same types of
    containers, hash when their metadata do, and pickle when it does. See `flatten` for an example.

    Attributes
    ----------
    size : int
        The number of leaves.
    """

    __slots__ = ("aux", "children", "kind", "size", "type")

    def __init__(
        self, type: type, kind: _Kind | None, aux: Any, children: tuple[Any, ...], size: int
    ) -> None:
        self.type = type
        self.kind = kind
        self.aux = aux
        self.children: tuple[Structure, ...] = children
        self.size = size

    def unflatten(self, leaves: Sequence[Any]) -> Any:
        """Build the tree that has this structure and these leaves.

        Parameters
        ----------
        leaves : sequence
            `size` leaves, in the order of `flatten`.

        Raises
        ------
        StructureError
            When there are too few or too many leaves.
        """
        if len(leaves) != self.size:
            raise StructureError(
                explain(
                    f"{len(leaves)} leaves were given to {shorten(repr(self))}",
                    why=f"the structure has {self.size} leaves.",
                    instead="pass one value for each leaf.",
                )
            )
        return leaves[0] if self is LEAF else _build(self, iter(leaves))

    def flatten_like(self, other: Any, what: str = "the tree") -> list[Any]:
        """Flatten another tree, which must have this structure.

        The entries of a dict are matched by key, whatever their order.  For a leaf `other` may have
        None, which is then its leaf.

        Parameters
        ----------
        other : tree
        what : str
            What `other` is, for the error message.

        Returns
        -------
        list
            The leaves of `other`, in the order of this structure.

        Raises
        ------
        StructureError
            With the path of the first mismatch.
        """
        leaves, given = flatten(other)
        if given == self:
            return leaves

        def fail(path: str, expected: str, given: str) -> NoReturn:
            raise StructureError(
                explain(
                    f"the structure of {what} is wrong at {path or 'the root'}: "
                    f"expected {expected}, given {given}",
                    why="each leaf is paired with the leaf at the same place.",
                    instead=f"pass a tree of the structure {shorten(repr(self))}.",
                )
            )

        leaves = []
        _match(self, other, leaves, "", fail)
        return leaves

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Structure):
            return NotImplemented
        return (
            self.type is other.type
            and len(self.children) == len(other.children)
            and bool(self.aux == other.aux)
            and self.children == other.children
        )

    def __hash__(self) -> int:
        return hash((self.type, self.aux, self.size))

    def __reduce__(self) -> str | tuple[Any, ...]:
        return "LEAF" if self is LEAF else (_node, (self.type, self.aux, self.children))

    def __str__(self) -> str:
        return _show(self)

    def __repr__(self) -> str:
        return f"Structure({self})"


class _Leaf:
    """The type that stands for a leaf; it has no instances."""


LEAF = Structure(_Leaf, None, None, (), 1)


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """Take a tree apart into its leaves and its structure.

    Parameters
    ----------
    tree : tree

    Returns
    -------
    leaves : list
    structure : Structure

    Examples
    --------
    >>> from adlab.trace import flatten
    >>> leaves, structure = flatten({"w": [1.0, 2.0], "b": 3.0})
    >>> leaves
    [1.0, 2.0, 3.0]
    >>> structure
    Structure({'w': [*, *], 'b': *})
    >>> structure.unflatten([10.0, 20.0, 30.0])
    {'w': [10.0, 20.0], 'b': 30.0}
    """
    kind = _kind_of(type(tree))
    if kind is None:
        return [tree], LEAF
    leaves: list[Any] = []
    return leaves, _take_apart(tree, kind, leaves)


def tree_map(f: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """Apply a function to every leaf of a tree, or to corresponding leaves of several trees.

    Parameters
    ----------
    f : callable
        Takes one leaf of each tree.
    tree : tree
    *rest : tree
        Further trees of the same structure.

    Returns
    -------
    tree
        The results, in the structure of `tree`.

    Examples
    --------
    >>> from adlab.trace import tree_map
    >>> tree_map(lambda w, step: w - 0.5 * step, {"w": 1.0}, {"w": 2.0})
    {'w': 0.0}
    """
    leaves, structure = flatten(tree)
    return structure.unflatten(list(map(f, leaves, *map(structure.flatten_like, rest))))


def paths(structure: Structure) -> list[str]:
    """Name the leaves of a structure as they are written after the name of the tree.

    Parameters
    ----------
    structure : Structure

    Examples
    --------
    >>> from adlab.trace import flatten, paths
    >>> paths(flatten({"w": [1.0, 2.0], "b": 3.0})[1])
    ["['w'][0]", "['w'][1]", "['b']"]
    """
    if structure is LEAF:
        return [""]
    pairs = zip(steps(structure), structure.children, strict=True)
    return [label + path for label, child in pairs for path in paths(child)]


def register_pytree(
    type: type[T],
    flatten: Callable[[T], tuple[Iterable[Any], Any]],
    unflatten: Callable[[Any, list[Any]], T],
) -> None:
    """Make a type a container.

    Parameters
    ----------
    type : type
        Instances of exactly this type are containers from now on; subclasses are not.
    flatten : callable
        ``flatten(x)`` returns ``(children, aux)``: the parts, which are trees themselves, and the
        metadata that completes them, which must be hashable and comparable.
    unflatten : callable
        ``unflatten(aux, children)`` returns the ``x`` whose parts are the list ``children``. It
        must accept any objects as children, so it should not validate or convert them.

    Raises
    ------
    ValueError
        When the type is a container already.

    Examples
    --------
    >>> from adlab.trace import flatten, register_pytree
    >>> class Interval:
    ...     def __init__(self, low, high):
    ...         self.low, self.high = low, high
    >>> register_pytree(
    ...     Interval, lambda x: ((x.low, x.high), None), lambda aux, ends: Interval(*ends)
    ... )
    >>> flatten(Interval(1.0, 2.0))
    ([1.0, 2.0], Structure(Interval(*, *)))
    """
    if _KINDS.get(type) is not None:
        raise ValueError(f"{type.__qualname__} is registered as a pytree already")

    def parts(x: T) -> tuple[Sequence[Any], Any]:
        children, aux = flatten(x)
        return tuple(children), aux

    _KINDS[type] = _Kind(parts, unflatten, _indices)


# -- the sorts of containers ---------------------------------------------------------------------


def _indices(aux: Any, count: int) -> list[str]:
    return [f"[{i}]" for i in range(count)]


def _mapping(build: Callable[[Any, Iterable[Any]], Any], form: str) -> _Kind:
    return _Kind(
        lambda x: (tuple(x.values()), (getattr(x, "default_factory", None), tuple(x))),
        lambda aux, children: build(aux[0], zip(aux[1], children, strict=True)),
        lambda aux, count: [f"[{key!r}]" for key in aux[1]],
        lambda aux: aux[1],
        form,
    )


def _dataclass_parts(x: Any) -> tuple[Sequence[Any], Any]:
    from dataclasses import fields  # loaded by whoever defined the class, slow to load otherwise

    names = tuple(field.name for field in fields(x) if hasattr(x, field.name))
    return [getattr(x, name) for name in names], (type(x), names)


def _rebuild_dataclass(aux: Any, children: list[Any]) -> Any:
    cls, names = aux
    x = object.__new__(cls)
    for name, child in zip(names, children, strict=True):
        object.__setattr__(x, name, child)
    return x


_NAMEDTUPLE = _Kind(
    lambda x: (x, type(x)),
    lambda cls, children: tuple.__new__(cls, children),
    lambda cls, count: [f".{name}" for name in cls._fields],
)
_DATACLASS = _Kind(
    _dataclass_parts,
    _rebuild_dataclass,
    lambda aux, count: [f".{name}" for name in aux[1]],
)
#: The types met so far, None for those of leaves.
_KINDS: dict[type, _Kind | None] = {
    type(None): _Kind(lambda x: ((), None), lambda aux, children: None, _indices, form="None"),
    tuple: _Kind(
        lambda x: (x, None), lambda aux, children: tuple(children), _indices, form="({children})"
    ),
    list: _Kind(lambda x: (x, None), lambda aux, children: children, _indices, form="[{children}]"),
    dict: _mapping(lambda factory, items: dict(items), "{{{children}}}"),
    OrderedDict: _mapping(lambda factory, items: OrderedDict(items), "OrderedDict({{{children}}})"),
    defaultdict: _mapping(defaultdict, "defaultdict({{{children}}})"),
}


def _kind_of(cls: type) -> _Kind | None:
    """Return how instances of exactly this type come apart; None for a leaf."""
    if cls not in _KINDS:
        named = _NAMEDTUPLE if issubclass(cls, tuple) and hasattr(cls, "_fields") else None
        _KINDS[cls] = _DATACLASS if hasattr(cls, "__dataclass_fields__") else named
    return _KINDS[cls]


# -- walking -------------------------------------------------------------------------------------


def _node(cls: type, aux: Any, children: tuple[Structure, ...]) -> Structure:
    return Structure(cls, _kind_of(cls), aux, children, sum(child.size for child in children))


def _take_apart(tree: Any, kind: _Kind, leaves: list[Any]) -> Structure:
    parts, aux = kind.flatten(tree)
    before = len(leaves)
    children = []
    for part in parts:
        inner = _kind_of(type(part))
        if inner is None:
            leaves.append(part)
            children.append(LEAF)
        else:
            children.append(_take_apart(part, inner, leaves))
    return Structure(type(tree), kind, aux, tuple(children), len(leaves) - before)


def _build(structure: Structure, leaves: Iterator[Any]) -> Any:
    assert structure.kind is not None
    return structure.kind.unflatten(
        structure.aux,
        [next(leaves) if part is LEAF else _build(part, leaves) for part in structure.children],
    )


def steps(structure: Structure) -> Iterable[str]:
    """Return how each child of a structure is written after the name of its tree."""
    kind = structure.kind
    return () if kind is None else kind.labels(structure.aux, len(structure.children))


def _show(structure: Structure) -> str:
    if structure.kind is None:
        return "*"
    parts = [_show(child) for child in structure.children]
    labels = list(steps(structure))
    if structure.kind.keys is not None:
        parts = [f"{label[1:-1]}: {part}" for label, part in zip(labels, parts, strict=True)]
    elif labels and labels[0].startswith("."):
        parts = [f"{label[1:]}={part}" for label, part in zip(labels, parts, strict=True)]
    children = ", ".join(parts) + ("," if structure.type is tuple and len(parts) == 1 else "")
    return structure.kind.form.format(type=structure.type.__name__, children=children)


def _match(
    structure: Structure,
    tree: Any,
    leaves: list[Any],
    path: str,
    fail: Callable[[str, str, str], NoReturn],
) -> None:
    """Collect the leaves of a tree of this structure up to the order of keys, or fail."""
    kind = structure.kind
    if kind is None and (tree is None or _kind_of(type(tree)) is None):
        leaves.append(tree)
        return
    if kind is None or type(tree) is not structure.type:
        fail(path, _name(structure), _name(flatten(tree)[1], tree))
    parts, aux = kind.flatten(tree)
    if kind.keys is not None:
        expected, keys = kind.keys(structure.aux), kind.keys(aux)
        by_key = dict(zip(keys, parts, strict=True))
        if by_key.keys() != set(expected):
            fail(path, f"the keys {list(expected)!r}", f"{list(keys)!r}")
        parts = [by_key[key] for key in expected]
    elif len(parts) != len(structure.children):
        fail(path, _name(structure), _name(flatten(tree)[1]))
    elif aux != structure.aux:
        fail(path, f"metadata {structure.aux!r}", f"{aux!r}")
    for child, part, label in zip(structure.children, parts, steps(structure), strict=True):
        _match(child, part, leaves, path + label, fail)


def _name(structure: Structure, leaf: Any = None) -> str:
    if structure.kind is None:
        return "a leaf" if leaf is None else f"a leaf of type {type(leaf).__name__}"
    if structure.type is type(None):
        return "None"
    fixed = structure.kind in (_NAMEDTUPLE, _DATACLASS)
    return f"a {structure.type.__name__}" + ("" if fixed else f" of {len(structure.children)}")

"""The laws of pytrees."""

import pickle
from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import InitVar, dataclass, field
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adlab.errors import StructureError
from adlab.trace.tree import LEAF, flatten, paths, register_pytree, tree_map

Point = namedtuple("Point", "x y")


@dataclass(frozen=True, slots=True)
class Layer:
    weight: Any
    bias: Any


@dataclass
class Counted:
    """A dataclass whose initialiser must not run again."""

    total: ClassVar[int] = 0
    seed: InitVar[int]
    value: Any
    double: Any = field(init=False)
    unset: Any = field(init=False)

    def __post_init__(self, seed):
        type(self).total += 1
        self.double = 2 * self.value


@dataclass
class LaterCounted(Counted):
    pass


class Ring:
    def __init__(self, name, *items):
        self.name, self.items = name, items

    def __eq__(self, other):
        return type(other) is Ring and (self.name, self.items) == (other.name, other.items)


register_pytree(Ring, lambda x: (iter(x.items), x.name), lambda name, items: Ring(name, *items))

leaves = st.integers() | st.floats(allow_nan=False) | st.text(max_size=2)
keys = st.text(max_size=2) | st.integers()


def containers(inner):
    dicts = st.dictionaries(keys, inner, max_size=3)
    return (
        dicts
        | dicts.map(OrderedDict)
        | dicts.map(lambda d: defaultdict(list, d))
        | st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.builds(Point, inner, inner)
        | st.builds(Layer, inner, inner)
        | st.builds(Ring, keys, inner, inner)
        | st.none()
    )


trees = st.recursive(leaves | st.none(), containers, max_leaves=12)


def shape(tree):
    """The types of the containers of a tree, which equality does not look at."""
    if isinstance(tree, dict):
        return type(tree), [(key, shape(value)) for key, value in tree.items()]
    if isinstance(tree, list | tuple):
        return type(tree), [shape(value) for value in tree]
    return type(tree)


@given(trees)
def test_round_trip(tree):
    found, structure = flatten(tree)
    again = structure.unflatten(found)
    assert again == tree
    assert shape(again) == shape(tree)
    assert structure.size == len(found) == len(paths(structure))


@given(trees)
def test_structures_compare_hash_and_pickle(tree):
    _, structure = flatten(tree)
    _, same = flatten(tree_map(lambda leaf: 0.0, tree))
    assert structure == same
    assert hash(structure) == hash(same)
    loaded = pickle.loads(pickle.dumps(structure))
    assert loaded == structure
    assert loaded.unflatten(range(structure.size)) == structure.unflatten(range(structure.size))


@given(trees)
def test_another_tree_of_the_structure_gives_its_leaves(tree):
    found, structure = flatten(tree)
    assert structure.flatten_like(tree) == found


@given(st.dictionaries(keys, trees, max_size=4))
def test_dicts_match_by_key(tree):
    found, structure = flatten(tree)
    assert structure.flatten_like(dict(reversed(tree.items()))) == found


def test_paths_lead_to_the_leaves():
    tree = {"layers": [Layer(1, (2,)), Point(3, None)], 4: defaultdict(list, k=5), "r": Ring("", 6)}
    found, structure = flatten(tree)
    assert paths(structure) == [
        "['layers'][0].weight",
        "['layers'][0].bias[0]",
        "['layers'][1].x",
        "[4]['k']",
        "['r'][0]",
    ]
    assert paths(LEAF) == [""]
    without_ring = paths(structure)[:-1]
    assert [eval(f"tree{path}", {"tree": tree}) for path in without_ring] == found[:-1]


def test_repr_shows_the_containers():
    tree = {"a": [Layer(1, (2,)), None], "b": OrderedDict(k=()), 3: Point(4, Ring("n", 5))}
    assert repr(flatten(tree)[1]) == (
        "Structure({'a': [Layer(weight=*, bias=(*,)), None], "
        "'b': OrderedDict({'k': ()}), 3: Point(x=*, y=Ring(*))})"
    )
    assert repr(LEAF) == "Structure(*)"


def test_dataclasses_are_rebuilt_without_their_initialiser():
    tree = Counted(0, 1.5)
    before = Counted.total
    doubled = tree_map(lambda leaf: 10 * leaf, tree)
    assert (doubled.value, doubled.double) == (15.0, 30.0)
    assert Counted.total == before
    assert not hasattr(doubled, "unset")
    assert type(tree_map(abs, LaterCounted(0, 1.0))) is LaterCounted


def test_namedtuples_are_rebuilt_without_their_constructor():
    class Checked(Point):
        def __new__(cls, x, y):
            raise AssertionError

    tree = tuple.__new__(Checked, (1, 2))
    assert type(tree_map(str, tree)) is Checked


def test_default_factory_is_kept():
    assert tree_map(str, defaultdict(list, a=1)).default_factory is list


@pytest.mark.parametrize(
    "leaf",
    [
        Layer,
        Point,
        {1, 2},
        "text",
        type("L", (list,), {})([1]),
        type("D", (dict,), {})(a=1),
        type("T", (tuple,), {})((1,)),
        type("R", (Ring,), {})("r", 1),
    ],
    ids=["dataclass class", "namedtuple class", "set", "str", "list", "dict", "tuple", "ring"],
)
def test_everything_else_is_a_leaf(leaf):
    assert flatten(leaf) == ([leaf], LEAF)
    assert flatten(leaf)[0][0] is leaf


def test_leaf_is_a_singleton():
    assert flatten(1)[1] is LEAF
    assert pickle.loads(pickle.dumps(LEAF)) is LEAF
    assert pickle.loads(pickle.dumps(flatten([1])[1])).children[0] is LEAF


def test_different_structures_differ():
    several = [1, (1,), [1], {"a": 1}, OrderedDict(a=1), {"b": 1}, (1, 1), None, (), Ring("a", 1)]
    structures = [flatten(tree)[1] for tree in several]
    assert len(set(structures)) == len(structures)
    assert LEAF != 1


def test_the_order_of_keys_distinguishes_structures():
    assert flatten({"a": 1, "b": 2})[1] != flatten({"b": 2, "a": 1})[1]


def test_tree_map_over_several_trees():
    assert tree_map(lambda x, y: x + y, {"a": 1, "b": [2]}, {"b": [20], "a": 10}) == {
        "a": 11,
        "b": [22],
    }


def test_a_deep_tree():
    tree: Any = 1.0
    for _ in range(200):
        tree = [tree]
    assert tree_map(str, tree) != tree


@pytest.mark.parametrize(
    ("tree", "other", "message"),
    [
        (1.0, (1.0,), "the root: expected a leaf, given a tuple of 1"),
        ((1.0,), 1.0, "the root: expected a tuple of 1, given a leaf of type float"),
        ((1.0,), None, "the root: expected a tuple of 1, given None"),
        (None, 1.0, "the root: expected None, given a leaf of type float"),
        ([1.0], (1.0,), "the root: expected a list of 1, given a tuple of 1"),
        ([1.0, 2.0], [1.0], "the root: expected a list of 2, given a list of 1"),
        ({"a": 1}, {"b": 1}, "the root: expected the keys ['a'], given ['b']"),
        (Ring("a", 1), Ring("b", 1), "the root: expected metadata 'a', given 'b'"),
        (
            {"layers": [Layer(1, 2)]},
            {"layers": [Layer(1, [2])]},
            "['layers'][0].bias: expected a leaf, given a list of 1",
        ),
        (
            (1, Point(1, {"k": (1, 2)})),
            (1, Point(1, {"k": Layer(1, 2)})),
            "[1].y['k']: expected a tuple of 2, given a Layer",
        ),
    ],
)
def test_a_mismatch_names_the_path(tree, other, message):
    with pytest.raises(StructureError) as raised:
        flatten(tree)[1].flatten_like(other, "the tangent")
    first, *rest = str(raised.value).splitlines()
    assert first == f"the structure of the tangent is wrong at {message}"
    assert rest[-1].strip() == f"Instead: pass a tree of the structure {flatten(tree)[1]!r}."


def test_too_few_leaves():
    with pytest.raises(StructureError, match=r"1 leaves were given to Structure\(\[\*, \*\]\)"):
        flatten([1, 2])[1].unflatten([1])


def test_a_type_is_registered_once():
    for known in (Ring, dict):
        with pytest.raises(ValueError, match="registered as a pytree already"):
            register_pytree(known, lambda x: ((), None), lambda aux, children: None)


def test_registration_overrides_the_dataclass():
    @dataclass
    class Tagged:
        value: float
        tag: str

    register_pytree(Tagged, lambda x: ([x.value], x.tag), lambda tag, parts: Tagged(*parts, tag))
    assert flatten(Tagged(1.0, "t"))[0] == [1.0]

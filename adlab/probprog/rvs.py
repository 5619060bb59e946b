"""``rvs`` of `scipy.stats` asks the generator it is given, if that is one that can be asked.

SciPy reduces its draws to a generator's own and computes with them; from outside a draw of
`scipy.stats` is a site of its own.  So the methods are wrapped, once and for good, and look at the
type of ``random_state``: if it has a method ``draw_rvs``, that is called, else SciPy's.  With any
other generator nothing changes, the stream included.  `scipy.stats` is not imported for this: it is
wrapped when somebody imports it.

A distribution of several variables that is frozen with traced parameters is a `TracedFrozen`, for
SciPy computes with them when it freezes.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any

from adlab.errors import UnsupportedFunctionError, explain
from adlab.errors.frames import package_of
from adlab.primitives.contents import is_traced
from adlab.trace import Tracer

__all__ = ["TracedFrozen", "dispatch", "install_when_imported"]

STATS = "scipy.stats"
#: Marks a wrapped method, also for a second copy of this module.
_MARK = "_asks_generators"
_wrapping = threading.Lock()


# When ---------------------------------------------------------------------------------------------


class StatsFinder:
    """Finds `scipy.stats` as the other finders do, and has it wrapped once it is loaded."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return the spec of `scipy.stats`, None of any other module."""
        if name != STATS:
            return None
        others = [each for each in sys.meta_path if each is not self]
        specs = (each.find_spec(name, path, target) for each in others)
        spec = next(filter(None, specs), None)
        if spec is not None and spec.loader is not None:
            _wrap_after(spec.loader)
        return spec


def _wrap_after(loader: Any) -> None:
    """Let a loader, which stays the one it is, wrap the module it has executed."""
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        execute(module)
        if module.__name__ == STATS:
            dispatch(module)

    loader.exec_module = exec_module


def install_when_imported() -> None:
    """Wrap `scipy.stats` if it is imported, and from now on whenever it is."""
    if not any(type(each).__name__ == StatsFinder.__name__ for each in sys.meta_path):
        sys.meta_path.insert(0, StatsFinder())
    if STATS in sys.modules:
        dispatch(importlib.import_module(STATS))  # another thread may be about to finish it


# What ---------------------------------------------------------------------------------------------


def dispatch(stats: ModuleType) -> None:
    """Wrap ``rvs`` wherever a class of `scipy.stats` defines it, unless it is wrapped."""
    importlib.import_module("adlab.probprog.truncated")  # how its draws move
    roots = [type(stats.norm), type(stats.multivariate_normal)]
    for root in roots:
        for cls in _family_tree(next(c for c in root.__mro__[::-1] if c is not object)):
            wrap(cls)


def _family_tree(cls: type) -> Iterator[type]:
    yield cls
    for each in cls.__subclasses__():
        yield from _family_tree(each)


def wrap(cls: type) -> None:
    """Wrap the methods that a class of distributions itself defines."""
    with _wrapping:
        _replace(cls, "rvs", _asking)
        if not hasattr(cls, "freeze"):
            _replace(cls, "__call__", _freezing)


def _replace(cls: type, name: str, wrapper: Callable[..., Any]) -> None:
    method = vars(cls).get(name)
    if method is not None and not hasattr(method, _MARK):
        wrapped = wrapper(method)
        setattr(wrapped, _MARK, True)
        setattr(cls, name, wrapped)


def _asking(method: Callable[..., Any]) -> Callable[..., Any]:
    names = list(inspect.signature(method).parameters)
    place = names.index("random_state") - 1 if "random_state" in names else None

    @functools.wraps(method)
    def rvs(self: Any, *args: Any, **kwargs: Any) -> Any:
        given = kwargs.get("random_state")
        if place is not None and len(args) > place:
            given = args[place]
        asked = self.random_state if given is None else given
        draw = getattr(type(asked), "draw_rvs", None)
        if draw is None:
            if given is None and any(map(_of_a_sampler, (*args, *kwargs.values()))):
                raise _without_generator()
            return method(self, *args, **kwargs)
        kwargs.pop("random_state", None)
        return draw(asked, self, args[:place], kwargs, _drawing_frame())

    return rvs


def _of_a_sampler(param: Any) -> bool:
    """Whether a parameter is computed from the draws of a sampler, or from its arguments."""
    if not isinstance(param, Tracer):
        return False
    return getattr(param.interpreter, "transformation", "") == "log_joint"


def _without_generator() -> UnsupportedFunctionError:
    return UnsupportedFunctionError(
        explain(
            "a sampler drew from scipy.stats without its generator",
            why="SciPy then draws from a generator of its own, so this is no site.",
            instead="pass random_state=rng to rvs.",
        )
    )


def _drawing_frame() -> FrameType:
    """Return the frame that called SciPy."""
    frame = sys._getframe(2)
    while frame.f_back is not None and _passes_on(frame):
        frame = frame.f_back
    return frame


def _passes_on(frame: FrameType) -> bool:
    return package_of(frame) == "scipy" or frame.f_globals is globals()


# Frozen -------------------------------------------------------------------------------------------


class TracedFrozen:
    """A distribution of several variables frozen with traced parameters; it only draws."""

    def __init__(self, distribution: Any, params: dict[str, Any], random_state: Any) -> None:
        self._distribution, self._params = distribution, params
        self.random_state = random_state

    def rvs(self, size: Any = 1, random_state: Any = None) -> Any:
        """Draw as SciPy's frozen distribution does."""
        generator = self.random_state if random_state is None else random_state
        return self._distribution.rvs(**self._params, size=size, random_state=generator)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise UnsupportedFunctionError(
            explain(
                f"{name} was asked of a frozen distribution with traced parameters",
                why="SciPy computes with plain arrays when it freezes a distribution of several "
                "variables, so this one can only draw, with rvs.",
                instead="compute it with a function of adlab.probprog.DISTRIBUTIONS.",
            )
        )


def _freezing(method: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(method)

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not any(map(is_traced, (*args, *kwargs.values()))):
            return method(self, *args, **kwargs)
        given = signature.bind(self, *args, **kwargs).arguments
        drawn_from = inspect.signature(type(self).rvs).parameters
        params = {k: v for k, v in list(given.items())[1:] if k in drawn_from}
        return TracedFrozen(self, params, given.get("seed"))

    return call

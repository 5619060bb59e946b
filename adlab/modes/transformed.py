"""Transformed functions: picklable objects that keep the name, text and signature of f."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import MethodType
from typing import Any

__all__ = ["Transformed"]


class Transformed:
    """A function made from ``f`` by a transformation.

    It has ``__wrapped__``, the name, docstring and signature of ``f``, works as a method, and
    pickles when ``f`` does.
    """

    __wrapped__: Callable[..., Any]

    def __init__(self, run: Callable[..., Any], f: Callable[..., Any], **options: Any) -> None:
        functools.update_wrapper(self, f)
        self._run = run
        self._options = options

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self._run(self.__wrapped__, args, kwargs, **self._options)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> Any:
        return _rebuild, (type(self), self._run, self.__wrapped__, self._options)

    def __repr__(self) -> str:
        return f"<{self._run.__name__.strip('_')} of {self.__wrapped__!r}>"


def _rebuild(kind: type[Transformed], run: Any, f: Any, options: dict[str, Any]) -> Any:
    return kind(run, f, **options)

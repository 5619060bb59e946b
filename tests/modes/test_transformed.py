"""Transformed functions are functions: names, signatures, methods, pickles, copies."""

import copy
import functools
import inspect
import pickle

import numpy as np
import pytest

import adlab

TRANSFORMS = [
    adlab.grad,
    adlab.value_and_grad,
    adlab.jacfwd,
    adlab.jacrev,
    adlab.jacobian,
    adlab.hessian,
    adlab.derivative,
    adlab.hvp,
]
ALL = pytest.mark.parametrize("transform", TRANSFORMS)


def cube(x, *, scale: float = 1.0):
    """Cube it."""
    return scale * x**3


@ALL
def test_identity(transform):
    g = transform(cube)
    assert (g.__name__, g.__doc__, g.__module__) == ("cube", "Cube it.", __name__)
    assert inspect.unwrap(g) is cube
    expected = cube if transform is not adlab.hvp else lambda x, v, *args, **kwargs: None
    assert inspect.signature(g) == inspect.signature(expected)
    assert "cube" in repr(g)


@ALL
@pytest.mark.parametrize("again", [lambda g: pickle.loads(pickle.dumps(g)), copy.deepcopy])
def test_pickles_and_copies(transform, again):
    g = transform(cube)
    twin = again(g)
    args = (2.0, 1.0) if transform is adlab.hvp else (2.0,)
    assert twin(*args, scale=2.0) == g(*args, scale=2.0)
    assert inspect.signature(twin) == inspect.signature(g)
    assert twin.__name__ == "cube"


class Spring:
    stiffness = 3.0

    def energy(self, x):
        """Energy."""
        return 0.5 * self.stiffness * x**2

    force = adlab.grad(energy, 1)
    by_name = adlab.grad(energy, "x")
    curvature = adlab.hessian(energy, "x")

    @functools.partial(adlab.value_and_grad, argnums=1)
    def decorated(self, x):
        return self.energy(x)


def test_methods():
    spring = Spring()
    assert spring.force(2.0) == spring.by_name(2.0) == 6.0
    assert spring.curvature(2.0) == 3.0
    assert spring.decorated(2.0) == (6.0, 6.0)
    assert adlab.hvp(spring.energy)(2.0, 1.0) == 3.0
    assert str(inspect.signature(spring.force)) == "(x)"
    assert Spring.force.__doc__ == "Energy."
    assert pickle.loads(pickle.dumps(adlab.grad(spring.energy)))(2.0) == 6.0


def test_callables_without_a_name():
    half = functools.partial(np.multiply, 0.5)
    assert adlab.grad(half)(3.0) == 0.5
    assert adlab.grad(np.sin)(0.0) == 1.0
    assert pickle.loads(pickle.dumps(adlab.grad(half)))(3.0) == 0.5

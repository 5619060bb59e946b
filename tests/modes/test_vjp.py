"""The tape: what a backward pass allocates and in which order it adds."""

import numpy as np
import pytest

import adlab
from adlab.testing import check_grads

A = np.arange(1.0, 13.0).reshape(3, 4)


def allocated(f, x, monkeypatch):
    """Count the arrays of zeros that the backward pass makes."""
    count = []
    zeros = np.zeros
    monkeypatch.setattr(np, "zeros", lambda *args: count.append(args) or zeros(*args))
    adlab.grad(f)(x)
    return len(count)


def every_element(x):
    total = 0.0
    for i in range(len(x)):
        total = total + x[i] ** 2
    return total


def test_a_loop_over_elements_adds_their_cotangents_into_one_array(monkeypatch):
    x = np.arange(1.0, 51.0)
    np.testing.assert_array_equal(adlab.grad(every_element)(x), 2 * x)
    assert allocated(every_element, x, monkeypatch) == 1


def test_totals_that_others_hold_are_not_added_into():
    def shared(x):
        y = np.reshape(x, (2, 2))  # its transpose hands the same array on
        return np.sum(y * y) + x[0] * x[1] + np.sum(x[[1, 1, 2]]) + np.sum(x[1:] ** 3)

    check_grads(shared, (np.array([0.3, -0.7, 1.1, 0.4]),))
    pullback = adlab.vjp(lambda x: (x, x[0], x[:1]), np.ones(3))[1]
    ct = np.array([1.0, 2.0, 3.0])
    (x_bar,) = pullback((ct, 5.0, np.array([7.0])))
    np.testing.assert_array_equal(x_bar, [13.0, 2.0, 3.0])
    np.testing.assert_array_equal(ct, [1.0, 2.0, 3.0])


def test_elements_of_real_arrays_with_complex_cotangents():
    def f(x):
        return np.real((x[0] * 1j) * (x[1] + 2j)) + x[0]

    check_grads(f, (np.array([0.3, 0.7]),))


def test_elements_differentiate_at_every_order():
    check_grads(lambda x: every_element(np.sin(x)) * x[0], (np.array([0.3, 0.7, 1.2]),), order=2)


def test_infinite_contributions_that_cancel_give_nan_and_no_exception():
    def f(x):
        return np.sum(np.sqrt(x) - np.sqrt(x) + x)

    np.testing.assert_array_equal(adlab.grad(f)(np.array([0.0, 4.0])), [np.nan, 1.0])


@pytest.mark.parametrize("x", [A.T, A[:, ::2], A[::-1], np.broadcast_to(A[0], (2, 4))])
def test_an_input_lies_in_memory_as_it_was_given(x):
    seen = []

    def squares(x):
        seen.append(x.strides)
        return x * x

    out, pullback = adlab.vjp(squares, x)
    assert seen == [x.strides]
    np.testing.assert_array_equal(out, x * x)
    np.testing.assert_array_equal(pullback(out)[0], 2 * x**3)

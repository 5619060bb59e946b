"""residuals: names, lines and bytes of what the backward pass keeps."""

import numpy as np

import adlab

W = np.ones((4, 3))
x = np.linspace(0, 1, 3)


def names(kept):
    return sorted(each.name for each in kept)


def model(w, x):
    h = np.tanh(w @ x)
    return np.sum(h * np.sin(h))


def test_names_lines_and_bytes():
    kept = adlab.residuals(model)(W, x)
    assert names(kept) == ["h", "np.sin(h)", "w", "x"]
    assert kept.nbytes == 8 * (12 + 3 + 4 + 4)
    places = {each.name: each.where for each in kept}
    assert places["h"].endswith("in model: `h = np.tanh(w @ x)`")
    assert places["w"] == places["h"]  # the first line that needs it
    assert "test_residuals.py:" in places["np.sin(h)"]
    sizes = [each.nbytes for each in kept]
    assert sizes == sorted(sizes, reverse=True)


def test_the_table():
    first, *rows = repr(adlab.residuals(model)(W, x)).splitlines()
    assert first == "4 residuals, 184 bytes"
    assert rows[0].split()[:4] == ["96", "w", "(4,", "3)"]
    assert repr(adlab.residuals(lambda x: x)(1.0)) == "0 residuals, 0 bytes"


def test_rows_of_a_loop_are_one():
    def f(x):
        for _ in range(5):
            x = np.sin(x)
        return np.sum(x)

    kept = adlab.residuals(f)(x)
    assert len(kept) == 5
    assert "120  x × 5" in repr(kept)


def test_only_what_the_output_needs():
    def f(x):
        np.exp(np.sin(x))
        return np.sum(x * 2.0)

    assert names(adlab.residuals(f)(x)) == ["for x * 2.0"]


def test_leaves_of_arguments_and_plain_arrays_have_names():
    scale = np.arange(3.0)

    def f(p):
        return np.sum(p["a"][0] * scale * p["a"][1])

    kept = names(adlab.residuals(f)({"a": [x, x + 1]}))
    assert kept == ["p['a'][0] * scale", "p['a'][1]", "scale"]


def test_a_view_keeps_its_whole_array():
    big = np.ones(5000)
    kept = adlab.residuals(lambda x: x * big[:2000])(np.ones(2000))
    assert [each.nbytes for each in kept] == [big.nbytes]


def test_augmented_assignment_and_methods():
    def f(x):
        x = x * 2.0
        x *= x
        y = x.sum()
        return y * y

    assert {"x", "y"} <= set(names(adlab.residuals(f)(x)))


def test_inside_another_transformation():
    def f(y):
        assert names(adlab.residuals(model)(W * y[0], y)) == ["h", "np.sin(h)", "w", "x"]
        return np.sum(y)

    adlab.grad(f)(x)


def test_results_of_several_outputs():
    def f(a):
        q, r = np.linalg.qr(a)
        return np.sum(q) + np.sum(r)

    assert adlab.residuals(f)(np.eye(3) + 1).nbytes >= 2 * 72


def test_numbers():
    def f(x):
        y = x * x
        z = np.sin(y) * y
        return z * x

    kept = adlab.residuals(f)(0.5)
    assert names(kept) == ["np.sin(y)", "x", "y", "z"]
    assert kept.nbytes == 32

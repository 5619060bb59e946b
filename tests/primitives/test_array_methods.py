"""Every attribute of an ndarray works on a traced array as in NumPy, or says what to write."""

import copy
import math
import pickle

import numpy as np
import pytest

import adlab
import adlab.numpy as anp
from adlab.errors import InPlaceError, TracerConversionError, UnsupportedFunctionError
from adlab.testing import check_grads

A = np.array([[0.3, -1.2, 0.8], [1.1, 0.4, -0.7]])
S = np.sort(A[0])

#: Calls whose result, traced or not, must be NumPy's.
CALLS = {
    "T": lambda x: x.T,
    "__abs__": lambda x: abs(x),
    "__add__": lambda x: x + 1,
    "__array_namespace__": lambda x: x.__array_namespace__() is np,
    "__array_priority__": lambda x: x.__array_priority__ >= 0,
    "__bool__": lambda x: bool(x[0, 0]),
    "__contains__": lambda x: (0.3 in x, 7.0 in x),
    "__copy__": copy.copy,
    "__deepcopy__": lambda x: copy.deepcopy([x, x])[1],
    "__divmod__": lambda x: divmod(x, 0.4),
    "__dlpack_device__": lambda x: x.__dlpack_device__(),
    "__eq__": lambda x: x == x.T.T,
    "__floordiv__": lambda x: x // 0.4,
    "__format__": lambda x: f"{x} {x[0, 0]:.3f}",
    "__ge__": lambda x: x >= 0.4,
    "__getitem__": lambda x: (x[0], x[:, 1], x[x > 0], x[[1, 0]], x[..., None], x[-1, -1]),
    "__gt__": lambda x: x > 0.4,
    "__int__": lambda x: int(x[1, 0]),
    "__iter__": lambda x: [row * 1 for row in x],
    "__le__": lambda x: x <= 0.4,
    "__len__": len,
    "__lt__": lambda x: x < 0.4,
    "__matmul__": lambda x: x @ x.T,
    "__mod__": lambda x: x % 0.35,
    "__mul__": lambda x: x * x,
    "__ne__": lambda x: x != x[0],
    "__neg__": lambda x: -x,
    "__pos__": lambda x: +x,
    "__pow__": lambda x: x**2,
    "__radd__": lambda x: 1 + x,
    "__rdivmod__": lambda x: divmod(5.0, x),
    "__rfloordiv__": lambda x: 5.0 // x,
    "__rmatmul__": lambda x: A.T @ x,
    "__rmod__": lambda x: 5.0 % x,
    "__rmul__": lambda x: 2.0 * x,
    "__rpow__": lambda x: 2.0**x,
    "__rsub__": lambda x: 1 - x,
    "__rtruediv__": lambda x: 1 / x,
    "__str__": str,
    "__sub__": lambda x: x - 1,
    "__truediv__": lambda x: x / 3,
    "all": lambda x: (x.all(), x.all(axis=0)),
    "any": lambda x: (x.any(), x.any(1)),
    "argmax": lambda x: (x.argmax(), x.argmax(1)),
    "argmin": lambda x: (x.argmin(), x.argmin(0)),
    "argsort": lambda x: x.argsort(),
    "astype": lambda x: (x.astype(np.float32), x.astype(int), x.astype(complex)),
    "base": lambda x: x.T.base is x,
    "clip": lambda x: x.clip(-0.5, 0.5),
    "compress": lambda x: x.compress([True, False, True], axis=1),
    "conj": lambda x: (x.conj(), (1j * x).conj()),
    "conjugate": lambda x: x.conjugate(),
    "copy": lambda x: (x.copy(), x.T.copy().flags["C_CONTIGUOUS"], x.copy("F").flags.f_contiguous),
    "cumprod": lambda x: x.cumprod(1),
    "cumsum": lambda x: x.cumsum(),
    "device": lambda x: x.device,
    "diagonal": lambda x: (x.diagonal(), x.diagonal(1)),
    "dot": lambda x: x.dot(x.T),
    "dtype": lambda x: x.dtype,
    "flags": lambda x: (x.flags.owndata, x.T.flags.c_contiguous, x[:, ::2].flags["WRITEABLE"]),
    "flat": lambda x: (x.flat[1], x.flat[::2], list(x.flat), len(x.flat), next(x.flat)),
    "flatten": lambda x: (x.flatten(), x.flatten("F")),
    "imag": lambda x: (x.imag, (x * 1j).imag),
    "item": lambda x: (x.item(1), x.item(1, 2), x.item((0, 0)), x[0, :1].item()),
    "itemsize": lambda x: x.itemsize,
    "mT": lambda x: x.mT,
    "max": lambda x: (x.max(), x.max(axis=1, keepdims=True)),
    "mean": lambda x: x.mean(0),
    "min": lambda x: x.min(1),
    "nbytes": lambda x: x.nbytes,
    "ndim": lambda x: x.ndim,
    "nonzero": lambda x: x.nonzero(),
    "prod": lambda x: x.prod(1),
    "ravel": lambda x: (x.ravel(), x.ravel("F")),
    "real": lambda x: (x.real, (x + 1j).real),
    "repeat": lambda x: (x.repeat(2), x.repeat([1, 2], axis=0)),
    "reshape": lambda x: (x.reshape(3, 2), x.reshape((3, -1)), x.reshape(6, order="F")),
    "round": lambda x: x.round(),
    "searchsorted": lambda x: np.sort(x[0]).searchsorted([0.0, 0.5]),
    "setflags": lambda x: x.setflags(write=True),
    "shape": lambda x: x.shape,
    "size": lambda x: x.size,
    "squeeze": lambda x: x[None].squeeze(0),
    "std": lambda x: x.std(1),
    "strides": lambda x: (x.strides, x.T.strides, x[:, ::2].strides),
    "sum": lambda x: (x.sum(), x.sum(1), x.sum(axis=(0, 1), keepdims=True)),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "take": lambda x: (x.take([0, 5]), x.take(1, axis=1)),
    "to_device": lambda x: x.to_device("cpu"),
    "tolist": lambda x: x.tolist(),
    "trace": lambda x: x.trace(),
    "transpose": lambda x: (x.transpose(), x.transpose(1, 0), x.transpose((1, 0))),
    "var": lambda x: (x.var(), x.var(axis=0, ddof=1)),
    "view": lambda x: (x.view(), x.view(np.ndarray), x.view(float)),
}


def changed(write):
    def f(x):
        y = x * 1.0
        kept = write(y)
        assert kept is None or kept is y
        return y

    return f


def iop(name):
    return changed(lambda y: getattr(y, name)(y[0] + 2.0))


#: Calls that write.
WRITES = {
    **{name: iop(name) for name in ("__iadd__", "__isub__", "__imul__", "__itruediv__")},
    **{name: iop(name) for name in ("__imod__", "__ifloordiv__")},
    "__ipow__": changed(lambda y: y.__ipow__(2)),
    "__imatmul__": changed(lambda y: y.__imatmul__(np.eye(3) + 1)),
    "__setitem__": changed(lambda y: y.__setitem__((0, slice(1)), y[1, 1])),
    "fill": changed(lambda y: y.fill(2.5)),
    "partition": changed(lambda y: y.partition(1)),
    "put": changed(lambda y: y.put([0, 5], [1.0, 2.0])),
    "sort": changed(lambda y: y.sort()),
}

#: What NumPy refuses for floats too.
TYPE_ERRORS = {
    **{f"__{op}__": op for op in ("and", "or", "xor", "lshift", "rshift")},
    **{f"__r{op}__": f"r{op}" for op in ("and", "or", "xor", "lshift", "rshift")},
    **{f"__i{op}__": f"i{op}" for op in ("and", "or", "xor", "lshift", "rshift")},
    "__index__": None,
    "__invert__": None,
    "choose": None,
}

#: What a traced array cannot do, and says so.
REFUSED = {
    "__array__": np.asarray,
    "__complex__": lambda x: complex(x[0, 0]),
    "__dlpack__": lambda x: np.from_dlpack(x),
    "__float__": lambda x: float(x[0, 0]),
    "__reduce_ex__": pickle.dumps,
    "byteswap": lambda x: x.byteswap(),
    "ctypes": lambda x: x.ctypes,
    "data": lambda x: x.data,
    "dump": lambda x: x.dump("file"),
    "dumps": lambda x: x.dumps(),
    "getfield": lambda x: x.getfield(np.int32),
    "resize": lambda x: x.resize(3, 2),
    "setfield": lambda x: x.setfield(1.0, np.float64),
    "tobytes": lambda x: x.tobytes(),
    "tofile": lambda x: x.tofile("file"),
    "view": lambda x: x.view(np.int64),
    "setflags": lambda x: x.setflags(write=False),
    "flags": lambda x: setattr(x.flags, "writeable", False),
    "shape": lambda x: setattr(x, "shape", (3, 2)),
    "dtype": lambda x: setattr(x, "dtype", np.int64),
    "strides": lambda x: setattr(x, "strides", (8, 8)),
}

#: Left to the functions of their name, which may not have a rule yet.
FUNCTIONS = {"argpartition": lambda x: x.argpartition(1)}

#: How Python and NumPy make, describe and dispatch objects.
MACHINERY = {
    "__array_finalize__", "__array_function__", "__array_interface__", "__array_struct__",
    "__array_ufunc__", "__array_wrap__", "__buffer__", "__class__", "__class_getitem__",
    "__delattr__", "__delitem__", "__dir__", "__doc__", "__getattribute__", "__getstate__",
    "__hash__", "__init__", "__init_subclass__", "__new__", "__reduce__", "__repr__",
    "__setattr__", "__setstate__", "__sizeof__", "__subclasshook__",
}  # fmt: skip

#: What NumPy 2.0 and 2.1 still list, only to say that it is gone.
GONE = {"itemset", "newbyteorder", "ptp", "tostring"}


def test_nothing_is_missing():
    tested = {*CALLS, *WRITES, *TYPE_ERRORS, *REFUSED, *FUNCTIONS, *MACHINERY, *GONE}
    public = {name for name in dir(np.ndarray) if name[0] != "_" or name[:2] == "__"}
    assert public - tested == set()


def traced(f, x=A):
    """Run ``f`` in reverse and in forward mode and return what each has computed."""
    outs = []

    def seen(y):
        outs.append(adlab.stop_gradient(f(y)))
        return y.sum()

    adlab.grad(seen)(x)
    adlab.jvp(seen, (x,), (x,))
    adlab.jvp(adlab.grad(seen), (x,), (x,))
    return outs


@pytest.mark.parametrize("name", [*CALLS, *WRITES])
def test_calls_are_numpys(name):
    f = CALLS.get(name) or WRITES[name]
    expected = f(A.copy())
    for out in traced(f):
        _equal(out, expected)


def _equal(out, expected):
    assert isinstance(out, (tuple, list)) == isinstance(expected, (tuple, list))
    if isinstance(expected, (tuple, list)):
        assert len(out) == len(expected)
        for each, plain in zip(out, expected, strict=True):
            _equal(each, plain)
    elif isinstance(expected, np.ndarray):
        np.testing.assert_array_equal(out, expected, strict=True)
    else:
        assert out == expected


@pytest.mark.parametrize("name", WRITES)
def test_writes_are_differentiated(name):
    check_grads(lambda x: WRITES[name](x) * x[0], (A,))


@pytest.mark.parametrize("name", TYPE_ERRORS)
def test_what_numpy_refuses(name):
    call = {
        "__index__": lambda x: [1, 2][x[0, 0]],
        "__invert__": lambda x: ~x,
        "choose": lambda x: x.choose([A, A]),
    }.get(name, lambda x: getattr(x, name)(2))
    with pytest.raises(TypeError):
        call(A.copy())
    with pytest.raises(TypeError):
        traced(call)


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_say_what_to_write(name):
    with pytest.raises((TracerConversionError, InPlaceError)) as caught:
        traced(REFUSED[name])
    assert "Instead: " in str(caught.value)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_methods_are_functions(name):
    try:
        outs = traced(FUNCTIONS[name])
    except UnsupportedFunctionError:
        return
    for out in outs:
        _equal(out, FUNCTIONS[name](A))


def test_machinery():
    def f(x):
        assert type(x).__hash__ is None
        assert repr(x) == f"<traced {A!r}>"
        assert not hasattr(x, "__array_interface__")
        assert not hasattr(x, "no_such_thing")
        with pytest.raises(ValueError, match="cannot delete"):
            del x[0]
        with pytest.raises(TypeError, match="iteration over a 0-d"):
            iter(x[0, 0])
        with pytest.raises(TypeError, match="unsized"):
            len(x[0, 0])
        with pytest.raises(TypeError, match="imaginary"):
            x.imag = 1.0
        return x.sum()

    adlab.grad(f)(A)


@pytest.mark.parametrize("promoted", [False, True])
@pytest.mark.parametrize("name", sorted({*CALLS, *WRITES} - {"base", "flags"}))
def test_buffers_are_arrays(name, promoted):
    f = CALLS.get(name) or WRITES[name]
    expected = f(A.copy())

    def filled(x):
        out = anp.zeros(A.shape)
        out[...] = A
        if promoted:
            out[0] = x[0]
        result = f(out)
        if result is out or getattr(result, "base", None) is out:
            result = result * 1.0  # not the memory, which is NaN
        _equal(adlab.stop_gradient(result), expected)
        return x.sum()

    adlab.grad(filled)(A)



MASKED = np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])
MATRIX = np.eye(3).view(np.matrix)


class Marked(np.ndarray):
    """A subclass that means nothing else."""


@pytest.mark.parametrize("foreign", [MASKED, MATRIX])
@pytest.mark.parametrize(
    "f",
    [
        lambda x, a: x * a,
        lambda x, a: a - x,
        lambda x, a: x @ a,
        lambda x, a: a @ x,
        lambda x, a: np.maximum(x, a),
        lambda x, a: np.add(a, x),
        lambda x, a: np.where(x > 0, x, a),
        lambda x, a: np.dot(a, x),
    ],
)
def test_an_array_with_a_meaning_of_its_own_is_refused(f, foreign):
    with pytest.raises(adlab.errors.AdlabError, match=r"Instead: "):
        adlab.jvp(lambda x: f(x, foreign), (np.ones(3),), (np.ones(3),))


def test_a_subclass_without_a_meaning_of_its_own_is_an_array():
    marked = np.array([1.0, 2.0, 3.0]).view(Marked)
    assert np.array_equal(adlab.grad(lambda x: np.sum(x * marked))(np.ones(3)), marked)
    assert np.array_equal(adlab.grad(lambda x: np.sum(x * x))(marked), 2 * marked)


@pytest.mark.parametrize("x", [0.56789, np.float64(2.675), np.float32(-1.25), -3.5])
@pytest.mark.parametrize(
    "f",
    [
        round,
        lambda x: round(x, 1),
        lambda x: round(x, 2),
        math.floor,
        math.ceil,
        lambda x: "%.2f" % x,  # noqa: UP031 - what is tested
        lambda x: "%d, %5.1e" % (x, x),  # noqa: UP031
        lambda x: f"{x:.2f}",
        lambda x: "{:.2f}".format(x),  # noqa: UP032
    ],
)
def test_rounding_and_formatting(f, x):
    seen = []
    adlab.grad(lambda y: adlab.grad(lambda z: (seen.append(f(z)), z * y)[1])(y))(x)
    expected = f(x)
    (got,) = map(adlab.stop_gradient, seen)
    assert got == expected
    assert type(got) is type(expected)


def test_rounding_has_derivative_zero():
    out, out_dot = adlab.jvp(lambda x: round(x, 1) + math.floor(x) * x, (2.34,), (1.0,))
    assert out == round(2.34, 1) + 2 * 2.34
    assert out_dot == 2


def test_rounding_one_number_of_a_batch():
    out = adlab.vmap(lambda x: round(x, 1))(np.array([0.24, 0.26]))
    np.testing.assert_array_equal(out, [0.2, 0.3])
    for f in (round, math.ceil, lambda x: "%.2f" % x):  # noqa: UP031
        with pytest.raises(adlab.errors.BatchedValueError):
            adlab.vmap(lambda x, f=f: (f(x), x)[1])(np.ones(2))


def test_a_float_is_refused_beside_an_operator():
    with pytest.raises(adlab.errors.TracerConversionError, match=r"float\(x\)"):
        adlab.grad(lambda x: 2.0 * float(x))(1.0)


def test_copies_of_a_mask():
    def f(x):
        mask = (x > 0).copy()
        mask[0] = True
        return np.copy(x > 0), mask, (x > 0).flatten()

    for got, expected in zip(adlab.vmap(f)(A), zip(*map(f, A), strict=True), strict=True):
        np.testing.assert_array_equal(got, expected)

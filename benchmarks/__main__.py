"""Print every figure beside its target; run with OPENBLAS_NUM_THREADS=1."""

import gc
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc

import numpy as np

import adlab
from adlab.scipy.linalg import solve_triangular
from adlab.scipy.special import logsumexp
from benchmarks import linear, matrices, samplers
from benchmarks.harness import machine, medians, table, verdict
from benchmarks.problems import chain, hmm, hmm_data, kalman, kalman_data

try:
    import autograd
    import autograd.numpy as anp
    from autograd.scipy.linalg import solve_triangular as ag_solve
    from autograd.scipy.special import logsumexp as ag_logsumexp
except ModuleNotFoundError:
    autograd = None

try:
    import torch

    torch.set_num_threads(1)
except ModuleNotFoundError:
    torch = None


def torch_chain(x):
    """Value and gradient of the chain in PyTorch's eager mode."""
    y = chain(torch, x)
    return y, torch.autograd.grad(y, x)


def chains():
    for name, x in (("scalar", np.float64(0.7)), ("array of 10", np.full(10, 0.7))):
        candidates = {
            "plain NumPy": lambda x=x: chain(np, x),
            "adlab jvp": lambda x=x: adlab.jvp(lambda y: chain(np, y), (x,), (x,)),
            "adlab": lambda x=x: adlab.value_and_grad(lambda y: chain(np, y))(x),
        }
        if autograd:
            candidates["autograd"] = lambda x=x: autograd.value_and_grad(lambda y: chain(anp, y))(x)
        if torch:
            t = torch.tensor(x, dtype=torch.float64, requires_grad=True)
            candidates["PyTorch"] = lambda t=t: torch_chain(t)
        times = medians(candidates)
        table(f"chain of 1000, {name}, µs an operation", times, 1e3)
        if autograd:
            verdict("adlab / autograd", times["adlab"] / times["autograd"], 1 / 6)
        plain = times["plain NumPy"]  # a jvp may take twice as long and 1.5 µs an operation
        verdict("jvp / plain NumPy", times["adlab jvp"] / plain, 2 + 1.5e-3 / plain)


def models():
    params, data = hmm_data()
    candidates = {
        "adlab": lambda: adlab.value_and_grad(lambda p: hmm(np, logsumexp, p, data))(params)
    }
    if autograd:
        candidates["autograd"] = lambda: autograd.value_and_grad(
            lambda p: hmm(anp, ag_logsumexp, p, data)
        )(params)
    times = medians(candidates, 7)
    table("hidden Markov model, T = 1000, K = 10, ms", times, 1e3)
    verdict("adlab", times["adlab"] * 1e3, 55, " ms")
    params, coupling = kalman_data()
    candidates = {
        "adlab": lambda: adlab.value_and_grad(lambda p: kalman(np, solve_triangular, p, coupling))(
            params
        )
    }
    if autograd:
        candidates["autograd"] = lambda: autograd.value_and_grad(
            lambda p: kalman(anp, ag_solve, p, coupling)
        )(params)
    times = medians(candidates, 7)
    table("Kalman smoother, T = 200, n = 4, ms", times, 1e3)
    verdict("adlab", times["adlab"] * 1e3, 40, " ms")


def lengths():
    print("value and gradient of longer chains")
    for length in (10**4, 10**5, 10**6):
        times = [each_of(length), without_gc(each_of, length)]
        print(f"  {length:>8} operations {times[0]:7.3f} µs each, {times[1]:7.3f} without gc")


def each_of(length):
    """Return the microseconds of each operation of a chain, its gradient included."""
    gc.collect()
    start = time.perf_counter()
    adlab.value_and_grad(lambda y: chain(np, y, length))(0.7)
    return (time.perf_counter() - start) / length * 1e6


def without_gc(f, *args):
    gc.disable()
    try:
        return f(*args)
    finally:
        gc.enable()


def memory(length=10**5):
    print("bytes an operation that the backward pass keeps")
    ours = kept(lambda: adlab.vjp(lambda y: chain(np, y, length), 0.7)) / length
    if autograd:
        theirs = kept(lambda: autograd.make_vjp(lambda y: chain(anp, y, length))(0.7)) / length
        print(f"  autograd {theirs:.0f}  adlab / autograd = {ours / theirs:.3f}")
    verdict("adlab", ours, 700)


def kept(run):
    """Return the bytes that the result of a call holds; a first call fills the caches."""
    run()
    tracemalloc.start()
    held = run()
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del held
    return size


def discarding():
    def rejecting(x):
        for step in range(10_000):
            trial = np.sin(x * np.ones(100))
            if step % 100 == 0:
                x = x + 1e-3 * np.sum(trial)
        return x

    tracemalloc.start()
    adlab.grad(rejecting)(0.7)
    print(
        f"  99 % discarded: peak {tracemalloc.get_traced_memory()[1] / 1e6:.2f} MB of 16 computed"
    )
    tracemalloc.stop()


def imports():
    with tempfile.TemporaryDirectory() as compiled:  # as installed: bytecode is there
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        env["PYTHONPYCACHEPREFIX"] = compiled

        def load(module):
            command = [sys.executable, "-c", f"import {module}"]
            return lambda: subprocess.run(command, check=True, env=env)

        times = medians({"numpy": load("numpy"), "adlab": load("numpy, adlab")})
    print("import adlab beyond numpy")
    verdict("adlab", (times["adlab"] - times["numpy"]) * 1e3, 40, " ms")


if __name__ == "__main__":
    print(machine())
    chains()
    models()
    lengths()
    memory()
    discarding()
    matrices.report()
    linear.report()
    samplers.report()
    imports()

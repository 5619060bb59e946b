"""One linearization and many pushforwards, beside as many calls of jvp."""

import numpy as np

import adlab
from benchmarks.harness import medians

PUSHFORWARDS = 100


def mlp(params, inputs):
    """Fully connected layers with tanh between them."""
    *hidden, last = params
    for weights, bias in hidden:
        inputs = np.tanh(inputs @ weights + bias)
    return inputs @ last[0] + last[1]


def mlp_data(layers=4, width=64, examples=32):
    rng = np.random.default_rng(0)
    params = [
        (rng.standard_normal((width, width)) / width**0.5, rng.standard_normal(width))
        for _ in range(layers)
    ]
    return params, rng.standard_normal((examples, width))


def by_linearize(f, x, x_dot):
    pushforward = adlab.linearize(f, x)[1]
    for _ in range(PUSHFORWARDS):
        pushforward(x_dot)


def by_jvp(f, x, x_dot):
    for _ in range(PUSHFORWARDS):
        adlab.jvp(f, (x,), (x_dot,))


def report():
    params, inputs = mlp_data()
    problems = {
        "parameters": (lambda p: mlp(p, inputs), params),
        "inputs": (lambda x: mlp(params, x), inputs),
    }
    print("linearize and 100 pushforwards beside 100 jvp, MLP of 4 layers of 64, 32 examples")
    for name, (f, x) in problems.items():
        times = medians(
            {
                "linearize": lambda f=f, x=x: by_linearize(f, x, x),
                "jvp": lambda f=f, x=x: by_jvp(f, x, x),
            }
        )
        ratio = times["linearize"] / times["jvp"]
        print(
            f"  {name:<12} {times['linearize'] * 1e3:9.3f} {times['jvp'] * 1e3:9.3f} ms"
            f"  linearize / jvp = {ratio:.2f} (target 0.60)"
        )


if __name__ == "__main__":
    report()

"""Jacobians, Hessians and batches of small problems."""

import numpy as np

import adlab
from benchmarks.harness import medians, table

try:
    import autograd
    import autograd.numpy as anp
except ModuleNotFoundError:
    autograd = None


def rosenbrock(xp, x):
    """The valley of Rosenbrock, whose Hessian is tridiagonal."""
    a, b = x[:-1], x[1:]
    e = b - a * a
    return xp.sum(100.0 * e * e + (1.0 - a) * (1.0 - a))


def burgers(xp, u, old, dx):
    """Residuals of an implicit step of Burgers' equation, whose Jacobian is tridiagonal."""
    edge = np.zeros(1)
    left, right = xp.concatenate([edge, u[:-1]]), xp.concatenate([u[1:], edge])
    transport = u * (right - left) / (2 * dx)
    return (u - old) / 1e-3 + transport - 1e-3 * (right - 2.0 * u + left) / (dx * dx)


def cross(xp, a, b):
    """The cross product of rows, written out."""
    x, y, z = (a[..., i] for i in range(3))
    u, v, w = (b[..., i] for i in range(3))
    return xp.stack([y * w - z * v, z * u - x * w, x * v - y * u], -1)


def reprojection(xp, rows, seen):
    """Where cameras (11 numbers) see points (3), against where they were seen, weighted (1)."""
    turn, place, focal, centre = rows[..., :3], rows[..., 3:6], rows[..., 6:7], rows[..., 7:9]
    bend, point, weight = rows[..., 9:11], rows[..., 11:14], rows[..., 14:15]
    v = point - place
    squared = xp.sum(turn * turn, -1)[..., None]
    angle = xp.sqrt(squared)
    c, s = xp.cos(angle), xp.sin(angle) / angle
    along = xp.sum(turn * v, -1)[..., None] * turn
    p = c * v + s * cross(xp, turn, v) + (1 - c) / squared * along
    u = p[..., :2] / p[..., 2:3]
    r2 = xp.sum(u * u, -1)[..., None]
    return weight * (focal * (1 + bend[..., :1] * r2 + bend[..., 1:] * r2 * r2) * u + centre - seen)


def camera_data(count=2000):
    rng = np.random.default_rng(0)
    rows = 0.1 * rng.standard_normal((count, 15))
    rows[:, 5] -= 6.0  # cameras stand off
    rows[:, 6] += 1.0
    rows[:, 11:14] *= 10.0
    return rows, rng.standard_normal((count, 2))


def blocks(rows, seen):
    """The Jacobian of each residual in its own 15 numbers, by two pullbacks of the whole stack."""
    out, pullback = adlab.vjp(lambda r: reprojection(np, r, seen), rows)
    cts = np.broadcast_to(np.eye(2)[:, None, :], (2, *out.shape))
    return np.stack([pullback(ct)[0] for ct in cts], 1)


def report():
    """Print the table of each problem."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(100)
    candidates = {
        "adlab": lambda: adlab.hessian(lambda x: rosenbrock(np, x))(x),
        "reverse twice": lambda: adlab.jacrev(adlab.grad(lambda x: rosenbrock(np, x)))(x),
    }
    if autograd:
        candidates["autograd"] = lambda: autograd.hessian(lambda x: rosenbrock(anp, x))(x)
    table("Hessian of Rosenbrock, n = 100, ms", medians(candidates), 1e3)

    far, v = rng.standard_normal(10**5), np.ones(10**5)
    candidates = {
        "adlab": lambda: adlab.hvp(lambda x: rosenbrock(np, x))(far, v),
        "its gradient": lambda: adlab.grad(lambda x: rosenbrock(np, x))(far),
    }
    table("Hessian-vector product of Rosenbrock, n = 10⁵, ms", medians(candidates), 1e3)

    u = np.sin(np.linspace(0, 6, 2000)) + 0.1 * rng.standard_normal(2000)
    old, dx = u + 0.01 * rng.standard_normal(2000), 1 / 2001
    candidates = {"adlab": lambda: adlab.jacobian(lambda u: burgers(np, u, old, dx))(u)}
    if autograd:
        candidates["autograd"] = lambda: autograd.jacobian(lambda u: burgers(anp, u, old, dx))(u)
    table("dense Jacobian of Burgers' residuals, n = 2000, ms", medians(candidates, 5), 1e3)

    rows, seen = camera_data()
    one = adlab.vmap(adlab.jacrev(lambda row, at: reprojection(np, row, at)))
    candidates = {
        "adlab": lambda: blocks(rows, seen),
        "vmap(jacrev)": lambda: one(rows, seen),
        "plain NumPy": lambda: reprojection(np, rows, seen),
    }
    table("2000 reprojections, their 2×15 Jacobians, ms", medians(candidates), 1e3)

    a = rng.standard_normal((10**4, 4, 4)) + 4 * np.eye(4)
    b = rng.standard_normal((10**4, 4))
    solve = adlab.vmap(np.linalg.solve)
    candidates = {
        "adlab": lambda: solve(a, b),
        "batched NumPy": lambda: np.linalg.solve(a, b[..., None])[..., 0],
    }
    table("10⁴ systems of 4 equations by vmap(solve), ms", medians(candidates), 1e3)

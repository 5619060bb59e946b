"""The laws a primitive must keep, as checkers for your own rules, and `check_grads`."""

from adlab.testing.grads import check_grads
from adlab.testing.laws import LAWS, check_law
from adlab.testing.primitives import check_primitive

__all__ = ["LAWS", "check_grads", "check_law", "check_primitive"]

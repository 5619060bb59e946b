"""The laws a primitive must keep, as checkers for your own rules, and `check_grads`."""

from adlab.testing.grads import check_grads
from adlab.testing.laws import LAWS, check_law
from adlab.testing.primitives import check_primitive
from adlab.testing.table import Row, primitive_table

__all__ = ["LAWS", "Row", "check_grads", "check_law", "check_primitive", "primitive_table"]

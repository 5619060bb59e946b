"""How many elements a function computes: a measure of its cost that no clock disturbs."""

import numpy as np

from adlab.primitives.contents import concrete
from adlab.trace import Interpreter, tree_map


class Counter(Interpreter):
    """Counts the elements that primitives compute."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def process(self, primitive, args, params, mine):
        out = primitive(*self.lower(args), **params)
        for each in out if primitive.multiple else (out,):
            self.count += np.size(concrete(each))
        return self.wrap(primitive, out)


def count(f, values, *args):
    """Return how many elements are computed from the arrays among the arguments."""
    f(values, *args)
    with Counter() as counter:
        lifted = [counter.lift(a) if isinstance(a, np.ndarray) else a for a in args]
        f(tree_map(counter.lift, values), *lifted)
        return counter.count

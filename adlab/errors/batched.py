"""Why a batched value has no single truth value, integer or position, and what to write instead."""

import ast
from types import FrameType

from adlab.errors.exceptions import BatchedValueError
from adlab.errors.expressions import executing, refer
from adlab.errors.frames import explain, user_frame
from adlab.errors.instructions import assigns_item

__all__ = ["diagnose_batched"]


def diagnose_batched(examples: int) -> BatchedValueError:
    """Return the error for a batched value of which one value was asked.

    Parameters
    ----------
    examples : int
        How many it has.

    Returns
    -------
    BatchedValueError
        To be raised by the caller.
    """
    frame = user_frame()
    target = None if frame is None else executing(frame)
    if frame is None or not isinstance(target, ast.Subscript) or not _is_array(target, frame):
        attempted = "a single truth value, integer or index was asked of a batched value"
        instead = (
            "choose with np.where, index with np.take_along_axis, or loop over the examples "
            "instead of vmap."
        )
    else:
        array, index = ast.unparse(target.value), ast.unparse(target.slice)
        if assigns_item(frame):
            attempted = f"{ast.unparse(target)} was assigned to, at a batched index"
            instead = (
                f"write {array} = np.where(np.arange(len({array})) == {index}, value, {array}) for "
                f"a position, or np.where({index}, value, {array}) for a mask."
            )
        else:
            attempted = f"{ast.unparse(target)} was asked for, with a batched index"
            instead = (
                f"write np.take({array}, {index}, axis=0) for positions, or np.where({index}, "
                f"{array}, 0.0) for a mask."
            )
    why = f"it has {examples} values under vmap, which may differ."
    return BatchedValueError(explain(attempted, why=why, instead=instead, frame=frame))


def _is_array(target: ast.Subscript, frame: FrameType) -> bool:
    """Whether what is indexed is a traced array, and no list."""
    return hasattr(type(refer(target.value, frame).value), "interpreter")

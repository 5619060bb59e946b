"""What the optional ``adlab[plot]`` adds to an example: a picture and a progress bar.

Neither is needed for the numbers.  Without matplotlib `draw` says what to install, and without
tqdm `progress` is silent.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any


def draw(plot: Callable[[Any], None], path: Path) -> str:
    """Let `plot` fill a figure and save it as `path`; say where it is, or why there is none."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        return "none, for lack of matplotlib: pip install adlab[plot]"
    figure = Figure(figsize=(9.0, 5.5), layout="constrained")
    plot(figure)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=160)
    return str(path)


def progress(steps: Iterable[Any], label: str) -> Iterable[Any]:
    """Pass `steps` on, with a bar on the terminal while they last."""
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        return steps
    return tqdm(steps, desc=label, leave=False, disable=None)

"""Interleaved timing: every candidate runs in every round, and medians are compared."""

import platform
import statistics
import time


def medians(candidates, rounds=15):
    """Return the median seconds of each callable in a dict, run in turn `rounds` times."""
    samples = {name: [] for name in candidates}
    for call in candidates.values():
        call()
    for _ in range(rounds):
        for name, call in candidates.items():
            start = time.perf_counter()
            call()
            samples[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in samples.items()}


def table(title, times, unit):
    """Print medians, and the ratio of adlab's to each."""
    print(title)
    for name, seconds in times.items():
        ratio = f"  adlab / {name} = {times['adlab'] / seconds:.3f}" if "adlab" in times else ""
        print(f"  {name:<12} {seconds * unit:9.3f}{ratio if name != 'adlab' else ''}")


def verdict(what, figure, target, unit=""):
    """Print a figure beside its target, which it is not to exceed."""
    met = "met" if figure <= target else "missed"
    print(f"  {what}: {figure:.3g}{unit}, target {target:.3g}{unit}: {met}")


def machine():
    """Name the processor, Python and NumPy."""
    import numpy

    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as info:
            model = next(line.split(":")[1].strip() for line in info if "model name" in line)
    except (OSError, StopIteration):
        pass
    return f"{model}, Python {platform.python_version()}, NumPy {numpy.__version__}"

"""Time and memory per operation, beside autograd where it is installed: `python -m benchmarks`."""

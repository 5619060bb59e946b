"""The drop-in namespace of SciPy."""

"""Samplers as densities: which values draws can have."""

"""Benchmarks of the optimiser."""

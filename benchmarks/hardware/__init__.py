"""Benchmarks of the accelerator: exactness of the cycle count and of the spikes."""

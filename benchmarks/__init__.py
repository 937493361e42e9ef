"""Proofs of what Spikefront claims: each module runs with ``python -m benchmarks.AREA.NAME``."""

"""The methods that are compared, each behind ``Method``; peers' libraries are imported when asked for."""

from benchmarks.optimizer.methods.protocol import METHODS, Finished, Method, is_installed, make_method

__all__ = ["METHODS", "Finished", "Method", "is_installed", "make_method"]

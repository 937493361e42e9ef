"""Where trials run: evaluating one trial, and the pools that run many."""

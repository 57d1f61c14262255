"""Benchmarks: every figure is a ratio against something real, measured in the same run."""

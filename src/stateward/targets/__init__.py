"""The systems that are written to, each behind ``ports.Target``."""

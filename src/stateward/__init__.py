"""Stateward keeps Infrahub equal to Git."""

__version__ = "0.1.0"

"""Infrahub's schema, from files or from a server's answer, and what follows from it for values."""

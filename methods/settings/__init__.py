"""Typed settings of every method, importable without torch."""

"""Suites: one YAML file in, every run, table and figure out. Imports no torch."""

from workflow.suite.load import load, names
from workflow.suite.problems import Problem, SuiteError
from workflow.suite.suite import Cell, Figure, Suite, Table

__all__ = ["Cell", "Figure", "Problem", "Suite", "SuiteError", "Table", "load", "names"]

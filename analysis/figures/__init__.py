"""Figures of a suite: one file a kind, each from run folders to pictures; no torch, no GPU."""

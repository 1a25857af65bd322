"""Programs that measure, run by `make bench`."""

"""Measures how fast Showup is, beside a usual implementation and the floor, in the same run: `make bench`."""

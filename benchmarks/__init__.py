"""Measures how fast Showup is, beside an ordinary implementation and the floor, in the same run: `make bench`."""

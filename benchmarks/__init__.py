"""How fast Showup is, measured against the usual way and against the floor, side by side in one run: `make bench`."""

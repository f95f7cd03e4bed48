"""Back up and restore everything that Showup stores, in one file."""

"""The migrations that upgrade an older database, one file each in `versions`; `migrate` runs them."""

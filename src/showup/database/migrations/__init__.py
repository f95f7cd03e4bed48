"""The steps by which an older database becomes today's, one file each in `versions`; `migrate` walks them."""

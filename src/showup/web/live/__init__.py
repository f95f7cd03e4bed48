"""Live pages: one connection of each process listens for changes, and every open page hears of those it may see."""

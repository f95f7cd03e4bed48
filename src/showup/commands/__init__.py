"""The commands of `showup`, one file a noun; each is a thin shell over one room."""

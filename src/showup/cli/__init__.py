"""The commands of `showup`, one file a noun; each command is a thin layer over one package."""

"""The pages of a person and of a company: who they are, their meetings, and whether two of them are one."""

"""Whether somebody came, in the words of the API."""

from showup.reads.rows import Found


def attendance(*, attended: bool | None, host_absent: bool, evidence: str | None) -> Found:
    """`{"state": unreported | showed | no_show | host_absent, "evidence": assumed | reported | None}`."""
    if attended is not None:
        return {"state": "showed" if attended else "no_show", "evidence": evidence}
    return {"state": "host_absent" if host_absent else "unreported", "evidence": evidence}

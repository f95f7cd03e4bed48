"""Attendance in the words of the API."""

from showup.reads.rows import Item


def attendance_of(*, attended: bool | None, host_absent: bool, evidence: str | None) -> Item:
    """Returns `{"state": unreported | showed | no_show | host_absent, "evidence": assumed | reported | None}`."""
    if attended is not None:
        return {"state": "showed" if attended else "no_show", "evidence": evidence}
    return {"state": "host_absent" if host_absent else "unreported", "evidence": evidence}

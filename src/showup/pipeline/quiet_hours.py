"""Quiet hours: when Showup sends no unrequested mail, in the recipient's local time.

Clocks go forward and back: an hour of the day may occur twice, or not at all.
"""

from datetime import datetime, time, timedelta, tzinfo

from showup.values.time_of_day import parse_time_of_day

_MINUTE = timedelta(minutes=1)


def end_of_quiet_hours(at: datetime, zone: tzinfo, quiet: tuple[str, str]) -> datetime:
    """Return `at`, or the first later moment outside quiet hours in `zone`.

    Input and output are aware datetimes in the zone of `at`. `quiet` holds the start and the end of the quiet hours;
    the end itself is not quiet. Equal values mean no quiet hours.
    """
    begins, ends = (parse_time_of_day(one) for one in quiet)
    local = at.astimezone(zone)
    if not _is_quiet(local, begins, ends):
        return at
    end_at = at + _time_until(local, ends)
    if end_at.astimezone(zone).utcoffset() == local.utcoffset():
        return end_at
    # The clocks change before then, so check minute by minute.
    moment = at - timedelta(seconds=at.second, microseconds=at.microsecond)
    while _is_quiet(moment.astimezone(zone), begins, ends):
        moment += _MINUTE
    return moment


def _is_quiet(local: datetime, begins: time, ends: time) -> bool:
    now = local.time()
    return begins <= now < ends if begins <= ends else now >= begins or now < ends


def _time_until(local: datetime, ends: time) -> timedelta:
    """Return the time until the clock shows `ends`, ignoring clock changes."""
    naive = local.replace(tzinfo=None)
    today = datetime.combine(naive.date(), ends)
    return (today if today > naive else today + timedelta(days=1)) - naive

"""The example of `/api/analysis`: a few counts, and what the code makes of them."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from showup.reads.analysis.answer import describe_report
from showup.reads.analysis.report import build_report
from showup.web.api.analysis_schemas import AnalysisResponse
from showup.web.api.schemas import Example

# Groups of meetings with how many showed, and how many did not.
_GROUPS: Final[Mapping[str, Mapping[str, tuple[int, int]]]] = {
    "lead": {"0": (40, 3), "8-14": (14, 9)},
    "slot": {"1|9": (14, 9), "3|15": (40, 3)},
    "organizer": {"dana@ourbrand.example": (50, 9), "sam@ourbrand.example": (4, 3)},
    "source": {"campaign": (31, 3), "unknown": (23, 9)},
    "moves": {"0": (50, 8), "1": (4, 4)},
    "reminders": {"1": (6, 7), "3": (8, 2)},
    "answer": {"yes": (22, 1), "no": (32, 11)},
}
_DURATIONS: Final[Mapping[str, Mapping[int | str, int]]] = {
    "organizer_lead|dana@ourbrand.example": {2: 59},
    "organizer_moved|dana@ourbrand.example": {"no": 54, "yes": 5},
    "organizer_lead|sam@ourbrand.example": {9: 7},
    "organizer_moved|sam@ourbrand.example": {"no": 4, "yes": 3},
    "cancelled_before": {3: 4, 40: 2},
    "moved_before": {20: 5, 96: 3},
    "to_booked": {6: 20, 72: 14},
    "to_met": {20: 31, 192: 23},
    "interest_to_met": {26: 20, 264: 11},
}


def _meetings() -> Iterator[tuple[str, int]]:
    for cell, groups in _GROUPS.items():
        for group, (showed, missed) in groups.items():
            yield f"{cell}|{group}|showed", showed
            yield f"{cell}|{group}|no_show", missed
    yield "moves|0|cancelled", 6
    for cell, counts in _DURATIONS.items():
        for value, count in counts.items():
            yield f"{cell}|{value}", count


_REPORT: Final = build_report(
    meetings=dict(_meetings()),
    cohorts={
        "cohort|2026-02-23|showed": 24,
        "cohort|2026-02-23|no_show": 6,
        "cohort|2026-03-02|showed": 9,
        "cohort|2026-03-02|upcoming": 12,
    },
    stages={
        "stage|booked|onward": 40,
        "stage|booked|cancelled": 9,
        "stage|booked|open": 11,
        "stage_time|booked|26": 30,
        "stage_time|booked|168": 19,
    },
    time_zones=["Europe/Berlin"],
    today=date(2026, 3, 12),
)
ANALYSIS: Final[Example] = AnalysisResponse.model_validate(
    {"from": "2026-01-01", "to": None, **describe_report(_REPORT)}
).model_dump(mode="json", by_alias=True)

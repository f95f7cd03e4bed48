"""Recognizes misspelt names of variables, such as `RESEND_API_KY`, and leaves other programs' names alone."""

from collections.abc import Iterable

from rapidfuzz.distance import OSA

# A long word may have two typing errors: WEBOK for WEBHOOK. Two in a short one make another word: SSL for URL.
_LONG_WORD = 7
_MAX_ERRORS = 2


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """Returns the known name that `name` probably means; None if it is a name of its own.

    Near is: the same words with a typing error in one or two of them, or the same letters in another case or divided
    otherwise (`RESENDAPIKEY`).
    """
    errors = {candidate: count for candidate in sorted(known) if (count := _errors(name, candidate)) is not None}
    return min(errors, key=errors.__getitem__, default=None)


def _errors(name: str, known: str) -> int | None:
    """Returns the number of typing errors (insertion, omission, substitution, transposition); None if not near."""
    words, known_words = name.upper().split("_"), known.upper().split("_")
    if len(words) != len(known_words):
        joined = OSA.distance("".join(words), "".join(known_words), score_cutoff=1)
        return joined if joined <= 1 else None
    counts = [OSA.distance(word, known_word) for word, known_word in zip(words, known_words, strict=True)]
    limits = [_MAX_ERRORS if len(word) >= _LONG_WORD else 1 for word in known_words]
    is_near = sum(counts) <= _MAX_ERRORS and all(count <= limit for count, limit in zip(counts, limits, strict=True))
    return sum(counts) if is_near else None

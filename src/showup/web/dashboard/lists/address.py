"""The address of a list: its query string says what the list shows, so that each view of it is a link. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final
from urllib.parse import parse_qsl, urlencode

from msgspec import Struct

_MAX_FIELDS: Final = 100
# The place in a list, and what an older form may have sent.
_PLACE: Final = frozenset({"cursor", "after"})


class Address(Struct, frozen=True):
    """`path` is relative to the home page; `pairs` are the fields of the query string that are not empty."""

    path: str
    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, path: str, query: str) -> "Address":
        """Return the address with the fields of a query string. Raises ValueError for more than 100 fields."""
        pairs = parse_qsl(query, max_num_fields=_MAX_FIELDS)
        return cls(path, tuple((name, value.strip()) for name, value in pairs if value.strip()))

    def has_empty_fields(self, query: str) -> bool:
        """Return whether the query string, of a form, has fields that nobody filled in."""
        return len(parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_FIELDS)) > len(self.pairs)

    @property
    def url(self) -> str:
        """Return the address as a link writes it."""
        return f"{self.path}?{urlencode(self.pairs)}" if self.pairs else self.path

    @property
    def query(self) -> str:
        """Return the query string without the place in the list, in one order for the same view."""
        return urlencode(sorted(self.view.pairs))

    @property
    def view(self) -> "Address":
        """Return the address of the first page."""
        return self.but(*_PLACE)

    @property
    def filters(self) -> "Address":
        """Return the address with the search and the filters alone."""
        return self.but(*_PLACE, "sort")

    def at(self, path: str) -> "Address":
        """Return the same query at another path."""
        return Address(path, self.pairs)

    def but(self, *names: str) -> "Address":
        """Return the address without these fields."""
        return Address(self.path, tuple(pair for pair in self.pairs if pair[0] not in names))

    def without(self, name: str, value: str) -> "Address":
        """Return the first page without one value of a field."""
        return Address(self.path, tuple(pair for pair in self.view.pairs if pair != (name, value)))

    def with_field(self, name: str, value: str) -> "Address":
        """Return the first page with one value for a field, in place of all others."""
        return Address(self.path, (*self.view.but(name).pairs, (name, value)))

    def values(self, name: str) -> list[str]:
        """Return the values of a field."""
        return [value for field, value in self.pairs if field == name]


class Choice(Struct, frozen=True):
    """A value of a filter and its word."""

    value: str
    word: str


class Filter(Struct, frozen=True, kw_only=True):
    """A filter: `many` values may be chosen, `one`, or a `day`; a `hidden` one comes from links alone.

    A filter with unknown values has no choices, and its values are shown as they are. `preposition` is of a day.
    """

    name: str
    label: str
    form: str = "one"
    choices: Sequence[Choice] = ()
    preposition: str = ""

    def word(self, value: str) -> str:
        """Return the word of a value that can be read: its own, or a day as `since 1 Dec 2026`."""
        if self.form == "day":
            day = date.fromisoformat(value)
            return f"{self.preposition} {day.day} {day:%b %Y}"
        return next((one.word for one in self.choices if one.value == value), value)


class Chip(Struct, frozen=True, kw_only=True):
    """A value that narrows the list, and the link that removes it."""

    label: str
    word: str
    url: str


class View(Struct, frozen=True, kw_only=True):
    """A named address; `id` of one that the teammate saved."""

    name: str
    url: str
    is_current: bool
    id: str | None = None


def chips_of(address: Address, filters: Sequence[Filter]) -> list[Chip]:
    """Return a chip for each value of each filter, in the order of the filters."""
    return [
        Chip(label=one.label, word=one.word(value), url=address.without(one.name, value).url)
        for one in filters
        for value in dict.fromkeys(address.values(one.name))
    ]


def view_of(address: Address, name: str, fields: Mapping[str, str]) -> View:
    """Return a view of the list that the product offers."""
    own = Address(address.path, tuple(fields.items()))
    return View(name=name, url=own.url, is_current=own.query == address.query)

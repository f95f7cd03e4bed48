"""One line of text, as a person writes it into a setting: a name, a postal address, a signature."""

from typing import Annotated

from pydantic import StringConstraints

TextLine = Annotated[str, StringConstraints(strip_whitespace=True, max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]

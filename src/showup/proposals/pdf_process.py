"""The process that draws proposals, so that a document can exhaust only this process, and open no file or connection.

Started by `pdf_writer` as `python -m … FILE-DESCRIPTOR TEMPLATE`; ends when its parent closes the connection. typst is
imported here alone: it takes 50 MB.
"""

import sys
import tempfile
from pathlib import Path
from typing import Final

import msgspec
import typst

from showup.isolation.serve import close_system, limit_memory, serve
from showup.proposals.document import Drawing

CPU_SECONDS: Final = 5.0
"""The processor time that one document may take; usual ones take less than 0.2 s."""

_PIXELS_PER_INCH: Final = 110
# Fonts are read when a text first needs them, and later nothing can be read: one letter of each of the larger scripts.
_SCRIPTS: Final = "aΩЖאعआกあ中한✓€"


def main(descriptor: str, template: str) -> None:
    """Answers requests until the parent ends."""
    limit_memory()
    source = Path(template).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        # Documents see this empty folder as the root of all files, and no packages.
        compiler = typst.Compiler(
            source, root=folder, font_paths=typst.Fonts(), package_path=folder, package_cache_path=folder
        )
        warm_up = f'#set text(font: "Libertinus Serif")\n#let both = [{_SCRIPTS}]\n#both *#both*'.encode()
        compiler.compile(warm_up, format="png")
    close_system()

    def draw(document: str, is_complete: bool, has_logo: bool) -> bytes:
        try:
            answer = compile_page({"data": document, "logo": "yes" if has_logo else "no"}, is_complete)
        except typst.TypstError as fault:
            if has_logo:
                # The image may be damaged inside. The sender's name stands for it then.
                return draw(document, is_complete, has_logo=False)
            answer = Drawing(fault=str(fault))
        return msgspec.msgpack.encode(answer)

    def compile_page(inputs: dict[str, str], is_complete: bool) -> Drawing:
        pictures = compiler.compile(source, format="png", ppi=_PIXELS_PER_INCH, sys_inputs=inputs)
        # One page comes alone, several as a list.
        pages = pictures if isinstance(pictures, list) else [pictures or b""]
        pdf = compiler.compile(source, format="pdf", sys_inputs=inputs) if is_complete else b""
        assert isinstance(pdf, bytes), "a PDF is one file"
        return Drawing(pdf=pdf, picture=pages[0], pages=len(pages))

    serve(descriptor, draw, cpu_seconds=CPU_SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])

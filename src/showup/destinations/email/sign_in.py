"""The mail with a link to sign in. It is sent at once and stored nowhere: who can read the link can sign in."""

from showup.destinations.email.brand import Brand
from showup.destinations.email.destination import Mail
from showup.destinations.email.letters.names import first_name
from showup.destinations.email.letters.parts import Button, Buttons, Letter, Piece, paragraph
from showup.destinations.email.render import format_address
from showup.destinations.email.templates import TemplateQuery, Templates
from showup.destinations.localized_time import plain


def sign_in_mail(templates: Templates, *, sender: str, email: str, name: str, url: str, minutes: int) -> Mail:
    """Return the mail, in English and Showup's own look. Raises CannotRender for an invalid address."""
    brand = Brand(name="Showup", shown="Showup")
    shown_name = first_name(None, name)
    letter = Letter(
        subject="Sign in to Showup",
        preheader=f"The link works once, within {minutes} minutes.",
        badge=None,
        heading=f"Sign in, {shown_name}" if shown_name else "Sign in",
        opening=(
            paragraph(
                f"Somebody asked for this link on Showup's sign-in page. It works once, within {minutes} minutes."
            ),
        ),
        words=(Buttons(Button("Sign in", url)),),
        change=(paragraph("Was that not you? Then do nothing: without the link, nobody can sign in."),),
        foot=((Piece(f"You get this because {email} belongs to a teammate in Showup."),),),
    )
    variables = {"letter": letter, "brand": brand, "palette": brand.palette, "language": "en", "kind": "sign_in"}
    rendered = templates.render(TemplateQuery(("sign_in",), "en", ""), variables)
    return Mail(
        sender=format_address(sender, "Showup"),
        to=format_address(email, name),
        subject=letter.subject,
        html=rendered.html,
        text=plain(rendered.text).strip() + "\n",
        headers={"Auto-Submitted": "auto-generated"},
    )

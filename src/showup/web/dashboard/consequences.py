"""`/outcome/{booking_id}/consequences`: what saving an answer does, tried with the rules themselves and taken back."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from showup.commands.outcome_trial import try_outcome
from showup.reads.command_targets import target_of_booking
from showup.reads.outcome_effects import DealValues, OutcomeEffects, PlannedEffect
from showup.web.dashboard.amounts import parse_amount
from showup.web.dashboard.message_words import MAIL, message_name, names_of
from showup.web.dashboard.outcome import events_of, faults_of, load_outcome, render_outcome
from showup.web.dashboard.page_route import DashboardRoute, is_part
from showup.web.dashboard.reports import REPORTED
from showup.web.dashboard.shell import viewer_of
from showup.web.dashboard.templates import render_page
from showup.web.dashboard.unit_of_work import unit_of_work_of
from showup.web.dashboard.words import Viewer, clipped, count, money, sentence
from showup.web.http.app_state import State, write_transaction
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedInMember, check_csrf

router = APIRouter(include_in_schema=False, route_class=DashboardRoute)

_UNKNOWN = "Choose what happened, and this line says what saving it does."


@router.post("/outcome/{booking_id}/consequences")
async def show_consequences(request: Request, booking_id: UUID, session: SignedInMember, state: State) -> Response:
    """Say what saving the form would do; without a script, on the form with what was typed. Nothing is saved."""
    form = await read_form(request)
    check_csrf(request, session, form)
    async with write_transaction(state) as tx:
        booking = await target_of_booking(tx, session.permission, booking_id)
        if booking is None:
            raise Refusal("not-found", "You can see no meeting with this address.")
        meeting, known = await load_outcome(tx, session.permission, booking.id)
        amount = parse_amount(form.get("amount", ""))
        text = next(iter(faults_of(form, amount).values()), None) if form.get("outcome") else _UNKNOWN
        if text is None:
            events = await events_of(tx, session.permission, booking, form, known, amount)
            unit_of_work = unit_of_work_of(session, state, tx)
            effects = await try_outcome(unit_of_work, booking.workspace_id, booking.id, *events)
            text = say_consequences(effects, form["outcome"], meeting.person, viewer_of(session, state))
        if not is_part(request):
            return await render_outcome(
                request, session, state, tx, meeting=meeting, known=known, values=form, consequences=text
            )
    return render_page(request, "parts/consequences.html", {"session": session, "consequences": text})


def say_consequences(effects: OutcomeEffects, outcome: str, person: str, viewer: Viewer) -> str:
    """Return what an answer would change, in sentences."""
    if effects.refused is not None:
        return f"This would be refused: {effects.refused}."
    first_name = clipped(person.split(" ")[0])
    sentences = [_counted(outcome, first_name, effects)]
    sentences += _deal(effects.deal_before, effects.deal_after)
    announced = [one for one in effects.planned if one.destination not in MAIL]
    if announced:
        names = list(dict.fromkeys(message_name(one.kind, one.destination)[0] for one in announced))
        sentences.append(f"Tells {names_of(names, most=5)}.")
    sentences += [_mail(one, first_name, viewer) for one in effects.planned if one.destination in MAIL]
    sentences += [_withdrawn(one) for one in effects.withdrawn]
    if effects.simulated:
        sentences.append("It is sample data, so nothing leaves Showup.")
    return " ".join([*sentences, "You can change it later."])


def _counted(outcome: str, first_name: str, effects: OutcomeEffects) -> str:
    if outcome == "rescheduled":
        return "Attendance stays open until the next meeting."
    if outcome == "host_absent":
        return f"Counts as host absent, not held against {first_name}."
    word = "showed" if effects.attended else REPORTED["no_show"]
    return f"Counts {first_name} as {word}, reported by you."


def _deal(before: DealValues | None, after: DealValues | None) -> list[str]:
    if after is None:
        return []
    if before is None:
        return ["Opens a deal."]
    sentences = []
    if before.status != after.status:
        sentences.append(f"The deal is {after.status}.")
    if before.stage != after.stage:
        sentences.append(f"Moves the deal {sentence(clipped(before.stage))} → {sentence(clipped(after.stage))}.")
    elif before.status == after.status == "active":
        sentences.append(f"The deal stays in {sentence(clipped(after.stage))}.")
    if (before.amount, before.currency) != (after.amount, after.currency):
        sentences.append(f"Its amount becomes {money(after.amount, after.currency)}.")
    return sentences


def _mail(effect: PlannedEffect, first_name: str, viewer: Viewer) -> str:
    if effect.kind == "no_show":
        return f"Offers {first_name} another time by mail {viewer.relative(effect.due_at)}."
    name, _ = message_name(effect.kind, effect.destination)
    return f"Mails “{name}” to {first_name} {viewer.relative(effect.due_at)}."


def _withdrawn(effect: PlannedEffect) -> str:
    name, _ = message_name(effect.kind, effect.destination)
    what = count(effect.number, "reminder") if effect.kind == "reminder" else f"“{name}”"
    return f"Withdraws {what}, not sent yet."

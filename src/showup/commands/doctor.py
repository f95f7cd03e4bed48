"""`showup doctor`: says whether all is well, and what to do about what isn't."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from showup.commands.printing import as_json
from showup.commands.refusal import sentence_of

if TYPE_CHECKING:
    from showup.commands.examining import Finding

_SIGNS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


def doctor(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Examine settings, database, accounts, connections, clock and the work that waits.

    Example: showup doctor
    """
    findings = _examined()
    if json:
        as_json(findings)
    else:
        for finding in findings:
            print(f"{_SIGNS[finding.state]}  {finding.about}: {finding.says}")
    if any(finding.state == "fail" for finding in findings):
        raise typer.Exit(1)


def _examined() -> "list[Finding]":
    from showup import logs
    from showup.assembly import opened
    from showup.commands.examining import Finding, examine, of_settings
    from showup.settings import SettingsError, load

    try:
        settings = load()
    except SettingsError as fault:
        return [Finding("settings", "fail", sentence) for sentence in fault.faults]
    logs.configure("CRITICAL", settings.log_format)
    findings = [of_settings(settings)]
    try:
        with opened(settings) as (ground, _):
            asyncio.run(examine(settings, ground, findings))
    except Exception as fault:
        if (sentence := sentence_of(fault)) is None:
            raise
        findings.append(Finding("database", "fail", sentence))
    return findings

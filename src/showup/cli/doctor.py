"""Implements `showup doctor`: runs the health checks and says how to correct each fault."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from showup.cli.errors import expected_message
from showup.cli.output import print_json

if TYPE_CHECKING:
    from showup.cli.fault_checks import DoctorResult

_MARKERS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


def doctor(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check settings, database, connections, mail, clock, webhooks, events and deliveries, and ask every other system.

    Exit with status 1 if a check fails. A warning does not change the status.

    Example: showup doctor
    """
    results = _collect_results()
    if json:
        print_json(results)
    else:
        for result in results:
            print(f"{_MARKERS[result.state]}  {result.subject}: {result.message}")
    if any(result.state == "fail" for result in results):
        raise typer.Exit(1)


def _collect_results() -> "list[DoctorResult]":
    from showup import logs
    from showup.cli.fault_checks import DoctorResult
    from showup.cli.health_checks import check_settings, run_checks
    from showup.cli.settings_check import destination_faults
    from showup.container import open_database
    from showup.settings import SettingsError, load

    try:
        settings = load()
    except SettingsError as fault:
        more = [] if fault.usable is None else destination_faults(fault.usable)
        return [DoctorResult("settings", "fail", sentence) for sentence in (*fault.faults, *more)]
    logs.configure("CRITICAL", settings.log_format)
    results = [check_settings(settings)]
    try:
        with open_database(settings) as (config, _):
            asyncio.run(run_checks(settings, config, results))
    except Exception as fault:
        if (sentence := expected_message(fault)) is None:
            raise
        results.append(DoctorResult("database", "fail", sentence))
    return results

"""RU6: alert rules and dashboard use metrics that exist, and each alert has its section in the runbook."""

import json
import re
from collections.abc import Iterator

import pytest
import yaml
from prometheus_client.core import Metric

from showup.clock import system_clock
from showup.inbox.ingest_metrics import IngestMetrics
from showup.reads.metrics import DeliveryBacklog, Syncs, SystemMetrics
from showup.web.exposition import DatabaseCollector
from showup.web.http.problems import PROBLEMS
from tests.test_docs import ROOT

DEPLOY = ROOT / "deploy"
RULES = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
TESTED = (DEPLOY / "prometheus" / "alerts_test.yaml").read_text()
RUNBOOK = (ROOT / "docs" / "RUNBOOK.md").read_text()


def families_of_showup() -> list[Metric]:
    """Returns what a fresh Showup reports, whatever its numbers."""
    system_metrics = SystemMetrics(
        now=system_clock(),
        unprocessed=0,
        failed=0,
        unreadable=0,
        oldest_at=None,
        totals={},
        connections={},
        delivery_backlog=DeliveryBacklog(due=0, failed=0, oldest_at=None, paused=0),
        syncs=Syncs(failing=0, missing=0),
    )
    return [*IngestMetrics().registry().collect(), *DatabaseCollector(system_metrics).collect()]


def queries_of_the_dashboard() -> Iterator[str]:
    for panel in json.loads((DEPLOY / "grafana" / "showup.json").read_text())["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def test_rules_and_dashboard_use_metrics_that_exist() -> None:
    known = {name for family in families_of_showup() for name in (family.name, f"{family.name}_bucket")}
    # A counter's value has another name.
    known |= {f"{family.name}_total" for family in families_of_showup() if family.type == "counter"}
    used = {
        name
        for query in [*queries_of_the_dashboard(), *(rule["expr"] for rule in RULES)]
        for name in re.findall(r"showup_[a-z_]+", query)
    }
    assert len(used) > 15
    assert used <= known


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_is_tried_by_promtool_s_tests_and_has_a_section_in_the_runbook(rule: dict[str, str]) -> None:
    name = rule["alert"]
    assert f"\n### {name}\n" in RUNBOOK
    assert rule["annotations"]["runbook"] == f"docs/RUNBOOK.md#{name.lower()}"  # type: ignore[index] # a mapping
    assert f"alertname: {name}\n" in TESTED or f'alertname="{name}"' in TESTED


def test_the_runbook_has_no_other_alert() -> None:
    assert re.findall(r"^### (Showup\w+)$", RUNBOOK, re.MULTILINE) == [rule["alert"] for rule in RULES]


def test_the_reasons_of_refused_webhooks_exist() -> None:
    patterns = [found for rule in RULES for found in re.findall(r'reason=~"([^"]+)"', rule["expr"])]
    reasons = {reason for pattern in patterns for reason in pattern.split("|")}
    assert reasons
    assert reasons <= set(PROBLEMS)

"""Alerts and the dashboard of the chart ask for numbers that there are, by labels that they have."""

import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser as promql
import pytest
import yaml
from answering import Desk
from test_http_metrics import TARGET, told

from charts import CHART
from desks import tags
from stateward.instruments import Step

RUNBOOKS = CHART.parents[1] / "docs" / "runbooks"
_OF_A_SCRAPE = {"job", "namespace", "pod"}
"""Labels that every series gets from whoever scrapes."""


def alerts() -> list[dict[str, str]]:
    text = (CHART / "alerts.yaml").read_text()
    text = text.replace("{{ .job }}", '{job="stateward",namespace="tools"}')
    text = re.sub(r"\{\{ \.own\.\w+ \}\}", "900", text)
    found: list[dict[str, str]] = yaml.safe_load(re.sub(r"\{\{ `(.*?)` \}\}", r"\1", text))
    return found


def panels() -> list[Any]:
    found: list[Any] = json.loads((CHART / "dashboards" / "stateward.json").read_text())["panels"]
    return found


ASKED = {own["alert"]: own["expr"] for own in alerts()} | {
    f"{own['title']} {target['refId']}": target["expr"].replace("$__rate_interval", "5m")
    for own in panels()
    for target in own["targets"]
}


def selectors(expression: str) -> Iterator[promql.VectorSelector]:
    """Yield what an expression selects; raises where it is no expression."""
    found: list[promql.VectorSelector] = []

    def look(node: Any) -> bool:
        if isinstance(node, promql.VectorSelector):
            found.append(node)
        return True

    promql.walk(promql.parse(expression), look)
    yield from found


@pytest.fixture
async def series(desk: Desk) -> dict[str, set[str]]:
    """The labels of every series that a daemon at work has, by its name."""
    await desk.turn(a=tags("red"), b=tags("green"))
    desk.metrics.called("github", "taken")
    with desk.metrics.step(Step.REQUEST, {"target": TARGET, "kind": "read", "status": 200}):
        pass
    return {name: set().union(*(at for at, _ in rows)) for name, rows in (await told(desk)).items()}


@pytest.mark.parametrize("title", ASKED)
async def test_asks_for_what_there_is(series: dict[str, set[str]], title: str) -> None:
    own = list(selectors(ASKED[title]))
    assert own
    for selector in own:
        assert selector.name in series
        about = {each.name for each in selector.matchers.matchers}
        assert about <= series[selector.name] | _OF_A_SCRAPE


@pytest.mark.parametrize("alert", alerts(), ids=lambda own: own["alert"])
class TestAlert:
    def test_has_a_page(self, alert: dict[str, str]) -> None:
        name = alert["alert"]
        assert (RUNBOOKS / f"{name}.md").read_text().startswith(f"# {name}\n")
        assert f"({name}.md)" in (RUNBOOKS / "README.md").read_text()

    async def test_names_labels_that_its_series_have(
        self, alert: dict[str, str], series: dict[str, set[str]]
    ) -> None:
        said = f"{alert['summary']} {alert['description']}"
        (first, *_) = selectors(alert["expr"])
        assert set(re.findall(r"\$labels\.(\w+)", said)) <= series[first.name or ""]

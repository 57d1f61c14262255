"""What is made of the chart's values and of the daemon's models is what lies in the repository."""

import json
import re
from pathlib import Path

import pytest
import yaml

import generate
from charts import CHART, CI, configuration
from values import Values

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())


@pytest.mark.parametrize("path", generate.files(), ids=lambda own: own.name)
def test_is_up_to_date(path: Path) -> None:
    assert path.read_text() == generate.files()[path], "make values"


def test_every_value_is_told_of() -> None:
    fields = {own.alias or name for name, own in Values.model_fields.items()}
    assert fields - {"global"} == set(VALUES)


@pytest.mark.parametrize("file", CI, ids=lambda own: own.name)
def test_configuration_in_values_is_one_of_the_daemon(file: Path) -> None:
    said = {**VALUES["config"], **yaml.safe_load(file.read_text())["config"]}
    assert configuration(yaml.safe_dump(said)).sources


def test_patterns_are_of_a_kind_that_helm_can_read() -> None:
    """Go's expressions look neither ahead nor back."""
    text = (CHART / "values.schema.json").read_text()
    patterns = re.findall(r'"pattern": (".*")', text)
    assert patterns
    assert not [own for own in map(json.loads, patterns) if re.search(r"\(\?[=!<]", own)]

"""``config``: what can be configured."""

import click

from stateward.cli import options


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command()
@click.option("--unit", is_flag=True, help="Of a directory's .stateward.yaml instead.")
def schema(*, unit: bool) -> None:
    """Print the JSON Schema of stateward.yaml, for editors."""
    from stateward.settings import Configuration, UnitFile

    # Defaults are shown as they are written, which is how they are serialized.
    options.say_json((UnitFile if unit else Configuration).model_json_schema(mode="serialization"))

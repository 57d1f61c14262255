"""The command line: arguments in, an answer on stdout, an exit code. Nothing else.

The commands import what they need when they are called, so that ``--help`` answers at once.
"""

import sys
from collections.abc import Sequence

import click

from stateward import __version__
from stateward.cli.adopt import adopt
from stateward.cli.apply import apply, run_command
from stateward.cli.config import config
from stateward.cli.control import allow_rewind, approve, reconcile, resume, suspend
from stateward.cli.doctor import doctor
from stateward.cli.drift import drift
from stateward.cli.exits import INTERRUPTED, Exit
from stateward.cli.export import export
from stateward.cli.history import audit, history, show
from stateward.cli.inventory import inventory
from stateward.cli.plan import plan, validate
from stateward.cli.rollback import rollback
from stateward.cli.status import status
from stateward.errors import StatewardError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="stateward")
def main() -> None:
    """Keep Infrahub equal to Git: plan, apply and prune objects by directory."""


for command in (
    validate,
    plan,
    apply,
    run_command,
    adopt,
    inventory,
    export,
    history,
    show,
    rollback,
    status,
    drift,
    reconcile,
    suspend,
    resume,
    approve,
    allow_rewind,
    audit,
    config,
    doctor,
):
    main.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; every way out of it is an exit code that ``docs/cli.md`` names."""
    try:
        main.main(arguments, prog_name="stateward", standalone_mode=False)
    except Exit as end:
        return end.code
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return 1
    except (KeyboardInterrupt, click.Abort):
        print("interrupted", file=sys.stderr)  # noqa: T201 - stdout is for answers
        return INTERRUPTED
    except StatewardError as error:
        print(error, file=sys.stderr)  # noqa: T201 - stdout is for answers
        return 1
    return 0

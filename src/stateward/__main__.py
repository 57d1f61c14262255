"""``python -m stateward``, and what the ``stateward`` command runs."""

import sys


def main() -> int:
    """Run the command line and return its exit code."""
    from stateward.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

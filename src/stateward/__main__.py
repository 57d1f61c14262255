"""``python -m stateward``, and what the ``stateward`` command runs."""

import gc
import sys


def main() -> int:
    """Run the command line and return its exit code."""
    from stateward.cli import run

    gc.disable()  # a command ends soon, and what it reads lives until then: a third of its time
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

"""Run the benchmarks that are named, or all of them: `python -m bench [NAME]`."""

import sys
from importlib import import_module

ALL = ("parse", "read", "validate", "plan", "idle", "server", "scale", "batches", "tracking")


def main() -> None:
    for name in sys.argv[1:] or ALL:
        import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main()

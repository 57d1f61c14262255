"""What of a revision concerns each unit: equal fingerprints ask for the same, on any machine."""

from collections.abc import Mapping
from dataclasses import asdict, replace

from stateward.engine.load import Loaded, schema_files_of
from stateward.planning.digest import digest_of


def fingerprints(loaded: Loaded, schemas: tuple[str, ...] | None, ours: str) -> Mapping[str, str]:
    """Return a digest for each unit: of its files, its settings, what is wrong, and the schema.

    ``ours`` is what the names of the tracking groups start with: under another one all is to do.
    """
    files, missing = schema_files_of(loaded, schemas)
    wrong = [str(own) for own in (*loaded.problems, *missing)]
    shared = digest_of([ours, wrong, [[own.path, own.text] for own in files]])
    return {unit: _fingerprint(loaded, unit, shared) for unit in loaded.units}


def _fingerprint(loaded: Loaded, unit: str, shared: str) -> str:
    settings = loaded.settings[unit]
    ignore = tuple(replace(own, places={}) for own in settings.ignore)
    known = asdict(replace(settings, moved={}, ignore=ignore))
    renames = sorted([str(old), str(new)] for old, new in settings.moved.items())
    problems = [str(own) for own in loaded.units[unit].problems]
    return digest_of([shared, loaded.digests.get(unit, ""), known, renames, problems])[:16]

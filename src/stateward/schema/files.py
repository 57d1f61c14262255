"""Schema files to the schema that Infrahub makes of them."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from stateward.errors import Problem
from stateward.model.document import Document
from stateward.model.schema import Schema
from stateward.schema import api, core
from stateward.schema.checks import check
from stateward.schema.draft import Drafts
from stateward.schema.groups import add_groups
from stateward.schema.hierarchy import arrange, relate
from stateward.schema.identification import identify
from stateward.schema.inheritance import inherit
from stateward.schema.merging import merge
from stateward.schema.profiles import add_profiles
from stateward.schema.reading import declarations
from stateward.schema.report import Report
from stateward.schema.templates import add_templates


def load(documents: Iterable[Document]) -> tuple[Schema | None, tuple[Problem, ...]]:
    """Make the schema of the core kinds and of what the documents declare on top.

    All problems are found at once. With an error among them there is no schema. The order of the
    documents does not matter.
    """
    report = Report()
    drafts = core.drafts()
    read = tuple(documents)
    merge(drafts, declarations(read, report), report)
    _process(drafts, report)
    check(drafts, report)
    if report.failed:
        return None, report.problems()
    schema = api.assemble(draft.finished() for draft in drafts.values())
    return replace(schema, files=tuple(own.root for own in read)), report.problems()


@cache
def core_schema() -> Schema:
    """Return the schema of an empty server."""
    drafts = core.drafts()
    merge(drafts, (), Report())
    _process(drafts, Report())
    return api.assemble(draft.finished() for draft in drafts.values())


def _process(drafts: Drafts, report: Report) -> None:
    """Work out what follows from the declarations, in the order that the server does."""
    identify(draft for draft in drafts.values() if draft.is_generic)
    inherit(drafts, report)
    arrange(drafts, report)
    identify(drafts.values())
    add_templates(drafts)
    add_profiles(drafts)
    relate(drafts)
    add_groups(drafts)

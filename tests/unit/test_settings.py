"""What people write: every setting, what it defaults to, and what is said of a mistake."""

import json
import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from pydantic import BaseModel

from stateward.desired.discover import Rule
from stateward.desired.documents import parse
from stateward.errors import Code, ConfigError
from stateward.model.document import Document, Map
from stateward.model.identity import ObjectKey
from stateward.model.unit import (
    PROTECTED_KINDS,
    Adopt,
    Budget,
    Drift,
    DriftMode,
    Ignore,
    Limits,
    Reach,
    UnitSettings,
    Window,
    WindowKind,
)
from stateward.settings import (
    Configuration,
    Environment,
    GithubAppSettings,
    GitSettings,
    SecretReference,
    UnitDefaults,
    UnitFile,
    UnitOverrides,
    UnitRule,
    budgets,
    read_configuration,
    read_environment,
    read_unit,
    rules,
)
from stateward.settings.models import RunSettings, SourceSettings
from stateward.settings.reading import plain

KINDS = frozenset(PROTECTED_KINDS)
DOCS = Path(__file__).parents[2] / "docs" / "configuration.md"


def documents(text: str, file: str = "stateward.yaml") -> tuple[Document, ...]:
    found, problems = parse(file, dedent(text).encode())
    assert not problems
    return found


def configuration(text: str) -> Configuration:
    return read_configuration(documents(text))


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as refusal:
        configuration(text)
    assert refusal.value.code is Code.CONFIGURATION
    return str(refusal.value.args[0]).splitlines()


def unit(
    text: str = "",
    rule: UnitOverrides | None = None,
    defaults: UnitDefaults | None = None,
) -> UnitSettings:
    doc = next(iter(documents(text, "a/.stateward.yaml")), None)
    found, problems = read_unit(doc, rule or UnitOverrides(), defaults or UnitDefaults())
    assert problems == ()
    return found


def written(heading: str) -> str:
    """Return the example that the documentation gives under a heading."""
    section = DOCS.read_text().split(heading, 1)[1]
    example = re.search(r"```yaml\n(.*?)```", section, re.DOTALL)
    assert example
    return example[1]


def keys(model: type[BaseModel]) -> set[str]:
    """Return all keys of a file, with those of what lies within."""
    return set(_properties(model.model_json_schema()))


def _properties(schema: Any) -> list[str]:
    found: list[str] = []
    if isinstance(schema, dict):
        found += schema.get("properties", {})
        for own in schema.values():
            found += _properties(own)
    if isinstance(schema, list):
        for own in schema:
            found += _properties(own)
    return found


class TestConfiguration:
    @pytest.mark.parametrize("text", ["", "# nothing\n", "{}\n"], ids=["empty", "comment", "map"])
    def test_may_say_nothing(self, text: str) -> None:
        assert configuration(text) == Configuration()

    def test_defaults(self) -> None:
        found = Configuration()
        assert found.instance == "default"
        assert found.target.url is None
        assert found.state.url == "sqlite:///.stateward/state.db"
        (source,) = found.sources
        assert (source.name, source.git, source.schemas, source.units) == (
            "default",
            None,
            None,
            (),
        )
        assert source.owner == {}

    def test_takes_what_is_documented(self) -> None:
        found = configuration(written("## `stateward.yaml`"))
        assert found.instance == "prod"
        (source,) = found.sources
        assert source.name == "network"
        assert source.git is not None
        assert (source.git.url, source.git.ref) == ("https://git.example/network.git", "main")
        assert source.git.token == SecretReference(env="GIT_TOKEN")
        assert source.schemas == ("schemas/",)
        assert source.units[0].limits.deletes == 50
        assert source.owner == {"RoutingAs/65*": "objects/base"}
        assert found.defaults.protect == ("DcimDevice/core-*",)
        assert found.defaults.ignore[0].fields == ("status",)

    def test_ways_into_private_repositories_are_those_that_are_documented(self) -> None:
        found = [
            GitSettings.model_validate(plain(own.root["git"]), by_alias=True, by_name=False)
            for own in documents(written("## Private repositories"))
            if isinstance(own.root, Map)
        ]
        app = GithubAppSettings(
            app_id="12345",
            installation_id=678,
            private_key=SecretReference(file="/run/secrets/app.pem"),
        )
        assert [(own.token, own.password, own.github_app, own.ssh_key) for own in found] == [
            (SecretReference(file="/run/secrets/token"), None, None, None),
            (None, SecretReference(env="GIT_PASSWORD"), None, None),
            (None, None, app, None),
            (None, None, None, SecretReference(file="/run/secrets/key")),
        ]

    def test_defaults_are_those_that_are_documented(self) -> None:
        found = configuration(written("## `stateward.yaml`"))
        examples = {"protect": (), "ignore": (), "windows": ()}
        assert found.defaults.model_copy(update=examples) == UnitDefaults()
        about_servers = {"timeout", "write_timeout", "batch", "in_flight", "lineage"}
        assert found.target.model_dump(include=about_servers) == Configuration().target.model_dump(
            include=about_servers
        )
        assert found.sources[0].limits == SourceSettings().limits
        git = found.sources[0].git
        assert git
        limits = {"timeout", "fetch_timeout", "max_size"}
        assert git.model_dump(include=limits) == GitSettings(url=".").model_dump(include=limits)
        assert found.state.url == Configuration().state.url

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [("90s", 90), ("10m", 600), ("1h30m", 5400), ("7d", 604800), ("0s", 0), ("1d1s", 86401)],
    )
    def test_durations(self, text: str, seconds: int) -> None:
        found = configuration(f"defaults: {{drift: {{fullInterval: {text}}}}}")
        assert found.defaults.drift.full_interval.total_seconds() == seconds

    def test_durations_are_shown_as_they_are_written(self) -> None:
        found = configuration("defaults: {drift: {fullInterval: 90m}}")
        assert found.model_dump(mode="json")["defaults"]["drift"] == {
            "mode": "enforce",
            "interval": "10m",
            "fullInterval": "1h30m",
        }

    @pytest.mark.parametrize(
        "text",
        [
            "run: {backoff: 0s}",
            "defaults: {drift: {interval: 0s}}",
            "sources: [{git: {url: x, interval: 0s}}]",
        ],
    )
    def test_nothing_is_done_again_without_a_pause(self, text: str) -> None:
        assert "expected more than none" in mistakes(text)[0]
        shown = Configuration.model_json_schema(mode="serialization")["$defs"]["DriftSettings"][
            "properties"
        ]
        assert shown["fullInterval"]["default"] == "1h"
        assert re.fullmatch(shown["fullInterval"]["pattern"], "1h30m")

    @pytest.mark.parametrize("text", ["1MiB", "500MiB", "5GiB", "1025MiB"])
    def test_sizes_are_shown_as_they_are_written(self, text: str) -> None:
        found = configuration(f"sources: [{{git: {{url: 'https://h/x', maxSize: {text}}}}}]")
        assert found.model_dump(mode="json")["sources"][0]["git"]["maxSize"] == text

    def test_every_key_is_documented(self) -> None:
        headings = ("## `stateward.yaml`", "## Private repositories", "## `.stateward.yaml`")
        text = "".join(written(own) for own in headings)
        missing = {own for own in keys(Configuration) if f"{own}:" not in text}
        assert missing == set()

    def test_rules_come_in_the_order_they_are_written(self) -> None:
        found = configuration("sources: [{units: [{path: b/*, exclude: [b/x]}, {path: a, recursive: true}]}]")  # fmt: skip
        assert rules(found.sources[0]) == (
            Rule(path="b/*", exclude=("b/x",), recursive=False),
            Rule(path="a", exclude=(), recursive=True),
        )


class TestMistake:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("target_: {}", "1:1: target_: no such setting"),
            ("targets: {a: {ulr: x}}", "1:15: targets.a.ulr: no such setting"),
            (
                "targets: {a b: {}}",
                "1:16: targets.a b.[key]: string should match pattern"
                " '^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$'",
            ),
            ("target: {ca_file: x}", "1:10: target.ca_file: no such setting"),
            ("instance: a\n---\ninstance: b", "3:1: one document is expected"),
            ("target: {url: x, token: y}", "1:25: target.token: value error, expected {env: NAME} or {file: path}, never the secret itself"),
            ("target: {lineage: {protect: true}}", "1:19: target.lineage: value error, protect needs owner: true: what is protected is its owner's to edit"),
            ("target: {lineage: {owner: ada}}", "1:27: target.lineage.owner: input should be a valid boolean"),
            ("sources:\n  - name: a\n    gti: {}", "3:5: sources.0.gti: no such setting"),
            ("sources: [{git: {ref: main}}]", "1:17: sources.0.git.url: field required"),
            (
                "sources: [{units: [{path: a, suspend: true}]}]",
                "1:30: sources.0.units.0.suspend: no such setting",
            ),
            ("defaults: {limits: {delete: 1}}", "1:21: defaults.limits.delete: no such setting"),
            ("defaults: {suspend: true}", "1:12: defaults.suspend: no such setting"),
            ("defaults: {prune: 'true'}", "1:19: defaults.prune: input should be a valid boolean"),
            ("instance: 5", "1:11: instance: input should be a valid string"),
            (
                "defaults: {limits: {deletes: -1}}",
                "1:30: defaults.limits.deletes: input should be greater than or equal to 0",
            ),
            (
                "defaults: {limits: {percent: 101}}",
                "1:30: defaults.limits.percent: input should be less than or equal to 100",
            ),
            (
                "defaults: {limits: {deletes: 1.5}}",
                "1:30: defaults.limits.deletes: input should be a valid integer",
            ),
            (
                "defaults: {adopt: perhaps}",
                "1:19: defaults.adopt: input should be 'never', 'identical' or 'always'",
            ),
            *(
                (
                    f"defaults: {{drift: {{fullInterval: {text}}}}}",
                    "1:34: defaults.drift.fullInterval: value error,"
                    " expected a duration: 90s, 10m, 1h30m, 7d",
                )
                for text in ("10", "1.5h", "''", "5 m", "30m1h", "-1s")
            ),
            ("defaults: {protect: core-*}", "1:21: defaults.protect: input should be a valid tuple"),
            (
                "instance: a/b",
                "1:11: instance: value error, a name without slashes is expected",
            ),
            (
                "sources: [{name: ''}]",
                "1:18: sources.0.name: value error, a name without slashes is expected",
            ),
        ],
    )  # fmt: skip
    def test_is_told_with_its_place(self, text: str, said: str) -> None:
        assert mistakes(text) == [f"stateward.yaml:{said}"]

    @pytest.mark.parametrize(
        ("git", "said"),
        [
            ("url: 'ssh://git@h/x'", "an ssh:// address needs knownHosts: {file: …}"),
            ("url: 'git@h:x'", "an ssh:// address needs knownHosts: {file: …}"),
            ("url: 'git@h:x', knownHosts: {env: K}, token: {env: T}", "token: an ssh:// address takes sshKey and knownHosts"),
            ("url: 'ssh://h/x', knownHosts: {env: K}, caFile: x, proxy: 'http://p'", "caFile, proxy: an ssh:// address"),
            ("url: 'https://h/x', sshKey: {env: K}", "sshKey: an https:// address takes token"),
            ("url: 'https://h/x', knownHosts: {env: K}", "knownHosts: an https:// address takes"),
            ("url: 'http://h/x', token: {env: T}", "token: over http:// others could read them"),
            ("url: ., token: {env: T}", "token: a repository of this machine is read in place"),
            ("url: 'file:///x', fetchTimeout: 1m", "fetchTimeout: a repository of this machine"),
            ("url: 'https://h/x', token: {env: T}, password: {env: P}, username: u", "give one of token, password and githubApp"),
            ("url: 'https://h/x', token: {env: T}, githubApp: {appId: 1, installationId: 2, privateKey: {env: K}}", "give one of token, password and githubApp"),
            ("url: 'git@h:x', knownHosts: {env: K}, githubApp: {appId: 1, installationId: 2, privateKey: {env: K}}", "githubApp: an ssh:// address takes"),
            ("url: 'https://h/x', password: {env: P}", "password: whose is it? Give username as well"),
            ("url: 'https://h/x', username: u", "username: give password or token as well"),
            ("url: 'https://h/x', proxyPassword: {env: P}", "proxyPassword: whose is it?"),
            ("url: 'https://h/x', proxy: 'http://p', proxyPassword: {env: P}", "proxyPassword: whose is it?"),
        ],
    )  # fmt: skip
    def test_is_a_way_into_a_repository_that_cannot_be(self, git: str, said: str) -> None:
        (found,) = mistakes(f"sources: [{{git: {{{git}}}}}]")
        assert found.startswith(f"stateward.yaml:1:17: sources.0.git: value error, {said}")

    @pytest.mark.parametrize(
        ("proxy", "said"),
        [
            ("socks5://p:1", "expected http://host:port"),
            ("p:3128", "expected http://host:port"),
            ("'http://p:x'", "expected http://host:port"),
            ("'http://u:hunter2@p:1'", "leave the password out"),
        ],
    )
    def test_is_a_proxy_that_cannot_be(self, proxy: str, said: str) -> None:
        (found,) = mistakes(f"sources: [{{git: {{url: 'https://h/x', proxy: {proxy}}}}}]")
        assert f"sources.0.git.proxy: value error, {said}" in found
        assert "hunter2" not in found

    @pytest.mark.parametrize("app", ["''", "true", "a/b", "1.5e3", "[1]"])
    def test_is_an_app_that_cannot_be(self, app: str) -> None:
        own = f"{{appId: {app}, installationId: 2, privateKey: {{env: K}}}}"
        (found,) = mistakes(f"sources: [{{git: {{url: 'https://h/x', githubApp: {own}}}}}]")
        assert "sources.0.git.githubApp.appId: value error, expected the app's number" in found

    @pytest.mark.parametrize("size", ["5", "5GB", "0MiB", "1.5GiB", "-1GiB", "''"])
    def test_is_a_size_that_cannot_be(self, size: str) -> None:
        (found,) = mistakes(f"sources: [{{git: {{url: 'https://h/x', maxSize: {size}}}}}]")
        said = "sources.0.git.maxSize: value error, expected a size: 500MiB, 5GiB"
        assert said in found

    def test_is_no_time_at_all(self) -> None:
        (found,) = mistakes("sources: [{git: {url: 'https://h/x', fetchTimeout: 0s}}]")
        assert "sources.0.git.fetchTimeout: value error, expected more than none" in found

    def test_does_not_hide_the_next_one(self) -> None:
        assert mistakes("instance: lab\ntarget_: {}\ndefaults:\n  adopt: perhaps\nx: 1\n") == [
            "stateward.yaml:4:10: defaults.adopt: input should be 'never', 'identical' or 'always'",
            "stateward.yaml:2:1: target_: no such setting",
            "stateward.yaml:5:1: x: no such setting",
        ]

    @pytest.mark.parametrize("text", ["[]", "text", "5"], ids=["list", "text", "number"])
    def test_may_be_the_whole_file(self, text: str) -> None:
        (said,) = mistakes(text)
        assert said.startswith("stateward.yaml:1:1: : input should be a valid dictionary")

    def test_never_shows_a_value(self) -> None:
        assert "hunter2" not in "".join(mistakes("target: {url: [hunter2]}\ninstance: [hunter2]"))

    @pytest.mark.parametrize("name", ["a b", "ü", "a.b"])
    def test_is_no_unusual_name(self, name: str) -> None:
        assert configuration(f"instance: {name}").instance == name


class TestUnit:
    def test_defaults(self) -> None:
        assert unit() == UnitSettings(
            prune=True,
            adopt=Adopt.IDENTICAL,
            limits=Limits(deletes=10, percent=25, protected_kinds=KINDS),
            drift=Drift(mode=DriftMode.ENFORCE, interval=600),
        )

    def test_takes_what_is_documented(self) -> None:
        found = unit(written("## `.stateward.yaml`"))
        assert found.suspend is True
        assert found.depends_on == ("objects/base",)
        assert found.moved == {
            ObjectKey("DcimDevice", ("old-name",)): ObjectKey("DcimDevice", ("new-name",))
        }

    def test_every_key_is_documented(self) -> None:
        section = DOCS.read_text().split("## `.stateward.yaml`", 1)[1]
        own = {alias for field in UnitFile.model_fields.values() if (alias := field.alias)}
        assert {name for name in own if name not in section} == set()

    @pytest.mark.parametrize(
        ("text", "name", "value"),
        [
            ("prune: false", "prune", False),
            ("adopt: never", "adopt", Adopt.NEVER),
            ("adopt: always", "adopt", Adopt.ALWAYS),
            ("protect: ['A/*', B/b]", "protect", ("A/*", "B/b")),
            ("suspend: true", "suspend", True),
            ("drift: {mode: ignore}", "drift", Drift(mode=DriftMode.IGNORE, interval=600)),
            ("drift: {interval: 1h}", "drift", Drift(mode=DriftMode.ENFORCE, interval=3600)),
            (
                "windows: [{kind: deny, schedule: 0 8 * * MON, duration: 90m, timeZone: Asia/Tokyo}]",
                "windows",
                (
                    Window(
                        kind=WindowKind.DENY,
                        schedule="0 8 * * MON",
                        duration=5400,
                        time_zone="Asia/Tokyo",
                    ),
                ),
            ),
            (
                "windows: [{schedule: 0 8 * * *, duration: 1h}]",
                "windows",
                (
                    Window(
                        kind=WindowKind.ALLOW, schedule="0 8 * * *", duration=3600, time_zone="UTC"
                    ),
                ),
            ),
            ("dependsOn: [a, b/c]", "depends_on", ("a", "b/c")),
            (
                "ignore: [{kind: A, fields: [b, c]}]",
                "ignore",
                (Ignore(kind="A", fields=frozenset("bc")),),
            ),
            (
                "ignore: [{kind: A*, fields: [b.owner, 'c#/d/e~1f']}]",
                "ignore",
                (Ignore(kind="A*", fields=frozenset({"b.owner", "c#/d/e~1f"})),),
            ),
            (
                "moved: [{from: [A, b, c], to: [A, d, e]}]",
                "moved",
                {ObjectKey("A", ("b", "c")): ObjectKey("A", ("d", "e"))},
            ),
            (
                "limits: {deletes: 0}",
                "limits",
                Limits(deletes=0, percent=25, protected_kinds=KINDS),
            ),
            (
                "limits: {percent: 0.5}",
                "limits",
                Limits(deletes=10, percent=0.5, protected_kinds=KINDS),
            ),
            (
                "limits: {protectedKinds: []}",
                "limits",
                Limits(deletes=10, percent=25, protected_kinds=frozenset()),
            ),
            (
                "limits: {protectedKinds: [A, B]}",
                "limits",
                Limits(deletes=10, percent=25, protected_kinds=frozenset("AB")),
            ),
        ],
    )
    def test_takes_its_own(self, text: str, name: str, value: Any) -> None:
        assert getattr(unit(text), name) == value

    @pytest.mark.parametrize(
        ("name", "own", "rule", "defaults"),
        [
            ("prune", "prune: true", False, False),
            ("adopt", "adopt: never", "always", "identical"),
            ("protect", "protect: []", ["b"], ["c"]),
            ("ignore", "ignore: []", [{"kind": "B", "fields": ["b"]}], [{"kind": "C", "fields": ["c"]}]),
        ],
    )  # fmt: skip
    def test_wins_over_its_rule_and_that_over_the_defaults(
        self, name: str, own: str, rule: Any, defaults: Any
    ) -> None:
        given = UnitOverrides.model_validate_json(json.dumps({name: rule}))
        general = UnitDefaults.model_validate_json(json.dumps({name: defaults}))
        found = [
            getattr(settings, name)
            for settings in (
                unit(own, given, general),
                unit("", given, general),
                unit("", UnitOverrides(), general),
            )
        ]
        alone = [
            getattr(settings, name)
            for settings in (
                unit(own),
                unit("", given),
                unit("", UnitOverrides(), general),
            )
        ]
        assert found == alone
        assert found[0] != found[1]

    def test_says_what_becomes_of_other_changes_before_its_rule_and_that_before_the_defaults(
        self,
    ) -> None:
        stop = '{"onError": "stop"}'
        rule, general = (
            UnitOverrides.model_validate_json(stop),
            UnitDefaults.model_validate_json(stop),
        )
        given = (
            unit("onError: continue", rule),
            unit("", rule),
            unit("", UnitOverrides(), general),
        )
        assert [own.on_error.value for own in (unit(), *given)] == [
            "continue",
            "continue",
            "stop",
            "stop",
        ]

    def test_limits_are_taken_one_by_one(self) -> None:
        rule = UnitRule.model_validate_json('{"path": "a", "limits": {"deletes": 2, "percent": 2}}')
        defaults = UnitDefaults.model_validate_json(
            '{"limits": {"deletes": 3, "percent": 3, "protectedKinds": ["A"]}}'
        )
        assert unit("limits: {deletes: 0}", rule, defaults).limits == Limits(
            deletes=0, percent=2, protected_kinds=frozenset("A")
        )

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("prune: true\ndepends: [a]", "2:1: SW4001 configuration: depends: no such setting"),
            ("moved: [{from: [A], to: [A, b]}]", "1:16: SW4001 configuration: moved.0.from: "),
            ("moved:\n  - {to: [A, b]}", "2:5: SW4001 configuration: moved.0.from: field required"),
            ("limits: {deletes: many}", "1:19: SW4001 configuration: limits.deletes: "),
            (
                "ignore: [{kind: A, fields: [b, 'c#d']}]",
                "1:32: SW4001 configuration: ignore.0.fields.1: value error, expected a JSON Pointer: ",
            ),
            (
                "ignore: [{kind: A, fields: ['#/d']}]",
                "1:29: SW4001 configuration: ignore.0.fields.0: value error, expected the name of a",
            ),
            ("path: a", "1:1: SW4001 configuration: path: no such setting"),
            ("- a", "1:1: SW4001 configuration: : input should be a valid dictionary"),
        ],
    )
    def test_mistakes_are_told_with_their_place(self, text: str, said: str) -> None:
        (doc,) = documents(text, "a/.stateward.yaml")
        _, (problem,) = read_unit(doc, UnitOverrides(), UnitDefaults())
        assert str(problem).startswith(f"a/.stateward.yaml:{said}")

    def test_mistakes_leave_what_the_rule_and_the_defaults_say(self) -> None:
        (doc,) = documents("prune: true\nadopt: perhaps", "a/.stateward.yaml")
        found, problems = read_unit(
            doc, UnitOverrides(prune=False), UnitDefaults(adopt=Adopt.NEVER)
        )
        assert len(problems) == 1
        assert (found.prune, found.adopt) == (False, Adopt.NEVER)


class TestBudgets:
    """Limits beyond those of single units."""

    def of(self, text: str) -> tuple[Budget, ...]:
        found = configuration(text)
        return budgets(found.sources[0], found)

    def test_source_has_one_unless_it_is_taken_away(self) -> None:
        assert self.of("") == (Budget(reach=Reach.SOURCE, deletes=100, percent=25),)
        assert self.of("sources: [{limits: null}]") == ()
        with pytest.raises(ConfigError, match="need deletes or percent: null is no limit"):
            self.of("sources: [{limits: {}}]")

    def test_either_figure_counts_alone(self) -> None:
        assert self.of("sources: [{limits: {deletes: 5}}]") == (
            Budget(reach=Reach.SOURCE, deletes=5, percent=0),
        )
        assert self.of("sources: [{limits: {percent: 2.5}}]") == (
            Budget(reach=Reach.SOURCE, deletes=0, percent=2.5),
        )

    def test_round_has_none_unless_it_is_given(self) -> None:
        assert RunSettings().limits is None
        assert self.of("{sources: [{limits: null}], run: {limits: {deletes: 7, percent: 9}}}") == (
            Budget(reach=Reach.ROUND, deletes=7, percent=9),
        )


class TestJsonSchema:
    @pytest.mark.parametrize("model", [Configuration, UnitFile])
    def test_takes_no_key_that_is_not_known(self, model: type[BaseModel]) -> None:
        schema = model.model_json_schema()
        objects = [schema, *schema.get("$defs", {}).values()]
        assert {own["additionalProperties"] for own in objects if "properties" in own} == {False}

    def test_has_the_keys_that_people_write(self) -> None:
        assert set(Configuration.model_json_schema()["properties"]) == {
            "instance",
            "target",
            "targets",
            "sources",
            "defaults",
            "state",
            "run",
            "leader",
            "server",
        }
        assert set(UnitFile.model_json_schema()["properties"]) == {
            "prune",
            "adopt",
            "onError",
            "limits",
            "protect",
            "ignore",
            "drift",
            "windows",
            "suspend",
            "dependsOn",
            "moved",
        }

    @pytest.mark.parametrize("model", [Configuration, UnitFile])
    def test_spells_keys_as_the_files_do(self, model: type[BaseModel]) -> None:
        assert {own for own in keys(model) if "_" in own} == set()

    def test_gives_the_defaults(self) -> None:
        limits = Configuration.model_json_schema()["$defs"]["DeleteLimits"]["properties"]
        assert {name: own["default"] for name, own in limits.items()} == {
            "deletes": 10,
            "percent": 25,
            "protectedKinds": sorted(KINDS),
        }


class TestEnvironment:
    @pytest.fixture(autouse=True)
    def _nothing_given(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in Environment.model_fields:
            monkeypatch.delenv(f"STATEWARD_{name.upper()}", raising=False)

    def test_instance_is_a_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("STATEWARD_INSTANCE", "a/b")
        with pytest.raises(ConfigError, match=r"STATEWARD_INSTANCE: .*without slashes"):
            read_environment()

    def test_is_empty_by_default(self) -> None:
        assert set(Environment().model_dump().values()) == {None}

    @pytest.mark.parametrize("name", ["CONFIG", "INSTANCE", "TARGET", "STATE", "LISTEN", "ACTOR"])
    def test_gives_what_is_documented(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        assert f"`STATEWARD_{name}`" in DOCS.read_text()
        monkeypatch.setenv(f"STATEWARD_{name}", "value")
        assert getattr(Environment(), name.lower()) == "value"

    def test_gives_nothing_that_is_not_documented(self) -> None:
        documented = set(re.findall(r"`STATEWARD_(\w+)`", DOCS.read_text()))
        assert {own.upper() for own in Environment.model_fields} == documented

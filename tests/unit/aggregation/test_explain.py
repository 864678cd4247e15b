"""`segwatch privacy explain` says everything that leaves, from the schema and the releasing code itself."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from segwatch.aggregation.mechanism.policy import read_policy, study_bound
from segwatch.aggregation.tools import cli
from segwatch.aggregation.tools.example import example_records
from segwatch.aggregation.tools.explain import explain, leaving_fields
from segwatch.aggregation.tools.explain_words import HEADER_WORDS, WORDS
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.release import SiteRelease
from segwatch.statistics.laplace import mass_up_to

SHIPPED = Path(__file__).parents[3] / "deploy" / "policy"
FULL = read_policy(SHIPPED / "demo.yaml")


def test_every_field_that_may_leave_has_its_words_and_no_other_has() -> None:
    fields = {field for named in leaving_fields().values() for field in named}
    assert {name.rpartition(".")[2] for name in WORDS} == fields


def test_every_field_of_a_real_record_is_explained() -> None:
    fields = leaving_fields()
    for kind, record in example_records(FULL).items():
        data = json.loads(record.value or b"")
        assert set(data) == set(fields[kind])
        assert {name for name, _ in record.headers} <= set(HEADER_WORDS)
    assert set(data) == set(fields["heartbeat"])


def test_the_explanation_names_each_kind_and_how_often_it_leaves() -> None:
    text = explain(FULL)
    assert "PULSE: one after every 20 studies" in text
    assert "PORTRAIT: one after every 100 studies" in text
    assert "HEARTBEAT: one every 5 seconds" in text


@pytest.mark.parametrize(("means", "total"), [((), 2.0), (("intensity_mode",), 3.0)])
def test_the_budget_of_a_study_is_the_sum_of_what_is_drawn(means: tuple[str, ...], total: float) -> None:
    policy = SitePolicy(version="test", means_of=means)
    assert study_bound(policy) == total
    assert f"= {total:g}." in explain(policy)
    assert f"4 at most: {4 * total:g}." in explain(policy)


def test_a_policy_with_larger_blocks_and_without_names_is_explained_too() -> None:
    policy = SitePolicy(version="test", pulse_studies=50, portrait_studies=200)
    text = explain(policy)
    assert "k = 50" in text
    assert "model = (left out)" in text


def test_the_whole_record_is_shown_as_it_leaves_and_what_is_not_protected_is_said() -> None:
    text = explain(FULL)
    (line,) = [line for line in text.splitlines() if line.startswith("  And so") and '"pulse"' in line]
    assert SiteRelease.model_validate_json(line.partition("leaves: ")[2]).root.kind == "pulse"
    assert "the day of a block's last study" in text
    assert "the name and hash of: model and scorer." in text
    assert "the name and hash of: nothing" in explain(SitePolicy(version="test"))
    assert "a factor of 20.1 at most (e to the 3)" in text


@pytest.mark.parametrize(("epsilon", "reach"), [(1.0, 3), (0.5, 6), (0.1, 30)])
def test_the_noise_is_said_in_studies(epsilon: float, reach: int) -> None:
    scale = 1 / epsilon
    within = mass_up_to(reach, scale) - mass_up_to(-reach - 1, scale)
    one_less = mass_up_to(reach - 1, scale) - mass_up_to(-reach, scale)
    assert within >= 0.95 > one_less
    policy = SitePolicy(version="test", epsilon_count=epsilon)
    assert f"noise on the count: scale {scale:g}, off by {reach} or less 19 times in 20" in explain(policy)


def test_the_command_prints_the_explanation() -> None:
    app = typer.Typer()
    cli.register(app)
    result = CliRunner().invoke(app, ["privacy", "explain", "--policy", str(SHIPPED / "default.yaml")])
    assert result.exit_code == 0
    assert "Privacy policy default-2" in result.stdout
    nothing = CliRunner().invoke(app, ["privacy", "explain"], env={"SEGWATCH_POLICY": None})
    assert nothing.exit_code == 2

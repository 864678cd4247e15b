"""A policy that is missing, unclear or too loose is refused with the reason; the ones we ship are not."""

from pathlib import Path

import pytest

from segwatch.aggregation.mechanism.policy import read_policy
from segwatch.errors import BadInput

SHIPPED = Path(__file__).parents[3] / "deploy" / "policy"


def _read(folder: Path, text: str) -> None:
    path = folder / "policy.yaml"
    path.write_text(text)
    read_policy(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "policy"),
        ("- a", "policy"),
        ("a: [", "not YAML"),
        ("pulse_studies: 20", "version: Field required"),
        ("version: a\npulse_studies: 19", "pulse_studies: Input should be greater than or equal to 20"),
        ("version: a\nepsilon_count: 2.5", "epsilon_count: Input should be less than or equal to 2"),
        (
            "version: a\nepsilon_count: 1.5\nmeans_of: [connected_components]",
            "epsilon_count may be above 1 only where no means leave",
        ),
        ("version: a\nepsilon_histogram: 0", "epsilon_histogram: Input should be greater"),
        ("version: a\nepsilon_means: .nan", "epsilon_means"),
        ("version: a\nportrait_studies: 110", "multiple of pulse_studies"),
        ("version: a\nportrait_studies: 40", "portrait_studies: Input should be greater"),
        ("version: a\nmeans_of: [a, b, c, d, e, f]", "means_of"),
        ("version: a\nmeans_of: [patient_age]", "no public bounds; there are for connected_components"),
        ("version: a\nmeans_of: [intensity_mode, intensity_mode]", "names a feature twice"),
        ("version: a\nname_modell: true", "name_modell: Extra inputs are not permitted"),
        ("version: a\nname_model: 'yes'", "name_model"),
        ("version: a\nversion: b", "version stands there twice"),
        ("version: a\ndates: hour", "dates"),
        ("version: !!python/object:os.system a", "not YAML"),
    ],
)
def test_a_bad_policy_is_refused_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(BadInput, match=r"policy\.yaml") as refusal:
        _read(tmp_path, text)
    assert reason in str(refusal.value)


def test_a_missing_policy_is_refused_and_a_start_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"default\.yaml is a safe start"):
        read_policy(tmp_path / "none.yaml")


def test_the_default_policy_is_the_safest_of_each_choice() -> None:
    policy = read_policy(SHIPPED / "default.yaml")
    assert (policy.means_of, policy.name_model, policy.name_scorer, policy.dates) == (
        (),
        False,
        False,
        "week",
    )


def test_the_demonstrations_policy_beats_every_five_seconds() -> None:
    policy = read_policy(SHIPPED / "demo.yaml")
    assert (policy.version, policy.heartbeat_seconds) == ("demo-2", 5)

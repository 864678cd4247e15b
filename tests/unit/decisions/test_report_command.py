"""`segwatch report`: one file of a site's period, at the centre and in a hospital."""

import re
from datetime import date

import pytest
from typer.testing import CliRunner

from segwatch.cli import app
from segwatch.decisions.period import Period, period_at_centre, period_in_hospital
from segwatch.errors import BadInput
from segwatch.statistics.binomial import exact_interval
from segwatch.streaming.embedded.log import EmbeddedLog
from segwatch.streaming.topics import make_centre_topics, make_hospital_topics
from tests.support.releases import at_centre, pulse
from tests.support.site_world import record_of, scored

GOOD = (3, 2, 4, 3, 5, 2, 3, 4, 1, 3) * 3
DROP = (*GOOD, 14, 15, 16, 14)
ALWAYS = Period(date(2000, 1, 1), date(2100, 1, 1))


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "log.sqlite"
    monkeypatch.setenv("SEGWATCH_LOG", "embedded")
    monkeypatch.setenv("SEGWATCH_LOG_FILE", str(path))
    return path


@pytest.fixture
def centre(file):
    with EmbeddedLog(file) as log:
        make_centre_topics(log, ["hospital-b", "hospital-c"])
        with log.producer() as producer:
            producer.send([at_centre("hospital-b", pulse(number, z)) for number, z in enumerate(DROP)])
    return file


def run(*words):
    return CliRunner().invoke(app, words, catch_exceptions=True)


def test_an_alarm_is_told_also_where_it_was_decided_on_at_once(centre):
    with EmbeddedLog(centre) as log:
        rang = period_at_centre(log, "hospital-b", ALWAYS, months=12.0).alarms
    assert len(rang) == 1
    assert rang[0].before < 0.3 < rang[0].since

    assert run("site", "acknowledge", "hospital-b", "--reason", "scanner repaired").exit_code == 0

    with EmbeddedLog(centre) as log:
        again = period_at_centre(log, "hospital-b", ALWAYS, months=12.0)
    assert again.alarms == rang
    assert [each.reason for each in again.decisions] == ["scanner repaired"]


def test_the_period_is_what_was_released_in_it_with_the_interval_that_knows_the_noise(centre):
    with EmbeddedLog(centre) as log:
        whole = period_at_centre(log, "hospital-b", ALWAYS, months=12.0)
        nothing = period_at_centre(log, "hospital-b", Period(date(2000, 1, 1), date(2000, 2, 1)), months=12.0)

    assert whole.whole.studies == 20 * len(DROP)
    assert whole.whole.ratio == pytest.approx(sum(DROP) / (20 * len(DROP)))
    assert whole.whole.low < whole.whole.ratio < whole.whole.high
    assert sum(part.studies for part in whole.parts) == whole.whole.studies
    assert (nothing.whole.studies, nothing.whole.ratio, nothing.alarms) == (0, None, ())


@pytest.mark.usefixtures("centre")
def test_the_file_can_be_printed_and_holds_nothing_from_elsewhere(tmp_path):
    out = tmp_path / "report.html"

    done = run("report", "hospital-b", "--from", "2000-01-01", "--to", "2100-01-01", "--out", str(out))

    assert done.exit_code == 0, done.output
    text = out.read_text()
    assert "Alarm." in text
    assert "<svg" in text
    assert not re.search(r"<script|src=|href=", text)
    assert "not a diagnostic device" in text


@pytest.mark.usefixtures("centre")
def test_a_site_without_a_pulse_is_unknown_and_not_good(tmp_path):
    out = tmp_path / "report.html"

    assert (
        run("report", "hospital-c", "--from", "2026-01-01", "--to", "2026-02-01", "--out", str(out)).exit_code
        == 0
    )

    assert "nothing is known" in out.read_text()


@pytest.mark.usefixtures("centre")
@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (("hospital-x", "--from", "2026-01-01", "--to", "2026-02-01"), "no site"),
        (("hospital-b", "--from", "2026-03-01", "--to", "2026-02-01"), "after"),
    ],
)
def test_a_wrong_site_or_period_is_refused_and_writes_nothing(tmp_path, words, wrong):
    out = tmp_path / "report.html"

    done = run("report", *words, "--out", str(out))

    assert isinstance(done.exception, BadInput)
    assert wrong in str(done.exception)
    assert not out.exists()


def test_a_hospitals_own_report_counts_each_study_once_and_exactly(file):
    with EmbeddedLog(file) as log:
        make_hospital_topics(log)
        studies = [
            record_of(scored(number, predicted_failed=number < 3, needs_attention=number < 3))
            for number in range(10)
        ]
        with log.producer() as producer:
            producer.send([*studies, studies[0]])
        told = period_in_hospital(log, "hospital-a", ALWAYS)

    assert (told.exact, told.whole.studies) == (True, 10)
    assert told.whole.ratio == pytest.approx(0.3)
    assert dict(told.verdicts)["failed"] == 3
    assert (told.whole.low, told.whole.high) == pytest.approx(exact_interval(3, 10), abs=1e-5)

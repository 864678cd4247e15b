"""The tables that `segwatch train` and `segwatch evaluate` print."""

import numpy as np
import pytest
from rich.console import Console

from segwatch.statistics.figures_table import figures_table
from segwatch.statistics.set_figures import BESIDE_TABLE2, TABLE2, set_figures
from segwatch.statistics.verdicts import Judged

LONG = "a-scorer-of-a-long-name (deploy/models/covid20-scorer)"


@pytest.mark.parametrize("columns", [("n", *TABLE2), BESIDE_TABLE2])
def test_at_80_columns_no_word_is_cut_and_an_interval_stands_on_one_line(columns: tuple[str, ...]) -> None:
    dice = np.linspace(0.05, 0.95, 60)
    judged = Judged.by_dice(dice, np.roll(dice, 3))
    figures = set_figures(judged, np.arange(60).astype(str), 20)
    sets = {"train (resubstitution)": {"paper's protocol": figures}, "test": {LONG: figures}}
    console = Console(width=80)
    with console.capture() as captured:
        console.print(figures_table(sets, columns, "Table 2"))
    text = captured.get()
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    for word in " ".join(columns).split():
        assert word in text
    assert text.count("[") == text.count("]") > 0
    assert all(line.count("[") == line.count("]") for line in text.splitlines())

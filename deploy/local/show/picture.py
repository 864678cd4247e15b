"""The picture of a run: each hospital's rolling quality, with the change and the page marked."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deploy.local.judge.figures import ROLLING, Scored, SiteFigures, rolling

PREDICTED, TRUE, ATTENTION, CHANGE, PAGE = "#1f5aa6", "#3f8f4f", "#c06a1b", "#555555", "#b3202c"


def draw(path: Path, sites: Mapping[str, tuple[Sequence[Scored], SiteFigures]]) -> None:
    """Write the picture as PNG.

    Args:
        path: where to.
        sites: each hospital's scored studies in the log's order, and its figures.
    """
    figure = Figure(figsize=(9, 2.6 * len(sites) + 0.8), layout="constrained")
    axes = figure.subplots(len(sites), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for axis, (site, (studies, figures)) in zip(axes, sites.items(), strict=True):
        _draw_site(axis, site, studies, figures)
    axes[-1].set_xlabel("studies, in the order in which they were scored")
    handles, labels = axes[0].get_legend_handles_labels()
    for axis in axes[1:]:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            if label not in labels:
                handles.append(handle)
                labels.append(label)
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    figure.savefig(path, dpi=150)


def _draw_site(axis: Axes, site: str, studies: Sequence[Scored], figures: SiteFigures) -> None:
    first = min(ROLLING, max(len(studies), 1))  # before it, a mean of few studies only jumps about
    count = range(first, len(studies) + 1)
    lines = (
        ([s.score.predicted_dice for s in studies], PREDICTED, f"predicted Dice, mean of {ROLLING}"),
        ([s.true for s in studies], TRUE, f"true Dice, mean of {ROLLING} (services never see it)"),
        (
            [float(s.score.needs_attention) for s in studies],
            ATTENTION,
            f"share of {ROLLING} needing attention",
        ),
    )
    for values, colour, label in lines:
        smooth = [float("nan") if value is None else value for value in rolling(values)][first - 1 :]
        axis.plot(count, smooth, color=colour, label=label, linewidth=1.8)
    if figures.change is not None:
        axis.axvline(figures.change.after_studies + 0.5, color=CHANGE, linestyle="--", label="new scanner")
    if figures.page_after_studies is not None:
        axis.axvline(figures.page_after_studies, color=PAGE, linewidth=2, label="page at the centre")
    axis.set_ylim(0, 1)
    axis.set_ylabel(site)
    axis.grid(alpha=0.25)

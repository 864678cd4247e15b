"""Measure lesion masks and predict how good they are, without looking at the truth.

    python examples/measure_and_score.py --scorer deploy/models/demo-scorer
    python examples/measure_and_score.py --scorer BUNDLE ct.nii.gz lesion.nii.gz [lung.nii.gz]

Without files, a phantom's true mask is scored, and beside it one that a failing model might have made. The
demo scorer knows phantoms only. Needs the extras `features` and `scoring`.
"""

import argparse
import tempfile
from pathlib import Path

import segwatch
from segwatch.phantoms.write import write_case
from segwatch.volumes.nifti import write_nifti


def phantom_files(folder: Path) -> dict[str, tuple[Path, Path, Path]]:
    """CT, lesion mask and lung mask of two cases: one mask is the truth, the other is spoiled.

    The spoiled one takes in all dense lung, vessels too, and is lost on every fourth slice.
    """
    phantom = segwatch.make_phantom(seed=3, load=0.15)
    write_case(phantom, folder)
    good, bad = folder / "lesion_truth.nii.gz", folder / "lesion_spoiled.nii.gz"
    spoiled = phantom.lung & (phantom.ct > -700)
    spoiled[::4] = False
    write_nifti(bad, spoiled, phantom.geometry)
    ct, lung = folder / "ct.nii.gz", folder / "lung.nii.gz"
    return {"the true mask": (ct, good, lung), "a spoiled mask": (ct, bad, lung)}


def say(title: str, measures: segwatch.Measures, score: segwatch.Score) -> None:
    print(f"\n{title}: {score.status}")
    for name, value in measures.features.items():
        print(
            f"  {name:<26}"
            + (f"{value:10.3f}" if value is not None else f"  no value: {measures.undefined[name]}")
        )
    if score.predicted_dice is not None and score.interval is not None:
        low, high = score.interval
        print(f"  predicted Dice {score.predicted_dice:.2f}, 80 % interval {low:.2f} to {high:.2f}")
        print(f"  probability that it failed (Dice below 0.6): {score.failure_probability:.2f}")
    print("  needs attention" if score.needs_attention else "  needs no attention")
    for reason in score.reasons:
        print(f"  - {reason}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scorer", type=Path, required=True, help="a scorer's folder")
    parser.add_argument("files", type=Path, nargs="*", help="CT, lesion mask, and lung mask if there is one")
    given = parser.parse_args()
    scorer = segwatch.load_scorer(given.scorer)
    with tempfile.TemporaryDirectory() as folder:
        cases = {given.files[1].name: tuple(given.files)} if given.files else phantom_files(Path(folder))
        for title, (ct, lesion, *lung) in cases.items():
            case = segwatch.Request(
                ct, lesion, lung[0] if lung else None, features=scorer.manifest.feature_names
            )
            measures = segwatch.measure_files(case)
            say(title, measures, segwatch.score(measures, scorer))


if __name__ == "__main__":
    main()

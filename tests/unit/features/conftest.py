"""Data that lie outside the repository, and small scenes."""

from pathlib import Path

import pytest

DATA = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture(scope="session")
def oracle_folder():
    folder = DATA / "features_oracle"
    if not folder.is_dir():
        pytest.skip(f"the feature oracle is not at {folder}")
    return folder


@pytest.fixture(scope="session")
def covid_cases():
    folder = DATA / "covid20" / "cases"
    if not folder.is_dir():
        pytest.skip(f"the covid20 cases are not at {folder}")
    return folder

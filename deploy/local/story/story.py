"""The story that `make run` tells: hospitals with phantoms, one of which gets a new scanner half-way.

Everything in it follows from the numbers here, so it is the same story each time.
"""

import string
from dataclasses import dataclass

USUAL_SCANNER = "standard"
NEW_SCANNER = "sharp"
FIRST_SEED = 1000
SEEDS_PER_SITE = 10_000
"""Seeds stay far below a million, where the phantoms begin that models are trained on."""
MOST_SITES = len(string.ascii_lowercase)


@dataclass(frozen=True)
class StoryCase:
    """One phantom that arrives at one hospital. `number` counts from 0 within the hospital."""

    site: str
    number: int
    seed: int
    scanner: str

    @property
    def name(self) -> str:
        """The folder's name in the inbox: its sorted order is the order of arrival."""
        return f"case-{self.number + 1:05d}"

    @property
    def after_change(self) -> bool:
        """Whether the new scanner made it."""
        return self.scanner == NEW_SCANNER


def site_names(hospitals: int) -> list[str]:
    """`hospital-a`, `hospital-b`, …

    Raises:
        ValueError: fewer than one, or more than there are letters.
    """
    if not 1 <= hospitals <= MOST_SITES:
        raise ValueError(f"HOSPITALS must be 1 to {MOST_SITES}, not {hospitals}")
    return [f"hospital-{letter}" for letter in string.ascii_lowercase[:hospitals]]


def changed_site(sites: list[str]) -> str:
    """The hospital that gets the new scanner: hospital-b, or the only one."""
    return sites[min(1, len(sites) - 1)]


def story_cases(sites: list[str], studies: int) -> list[StoryCase]:
    """All cases in the order in which they are made: the hospitals in turn.

    Args:
        sites: the hospitals.
        studies: how many arrive at each; the changed hospital's second half is the new scanner's.

    Examples:
        >>> [(case.site[-1], case.name, case.scanner) for case in story_cases(["hospital-a"], 2)]
        [('a', 'case-00001', 'standard'), ('a', 'case-00002', 'sharp')]
    """
    changed = changed_site(sites)
    return [
        StoryCase(
            site=site,
            number=number,
            seed=FIRST_SEED + SEEDS_PER_SITE * rank + number,
            scanner=NEW_SCANNER if site == changed and number >= studies // 2 else USUAL_SCANNER,
        )
        for number in range(studies)
        for rank, site in enumerate(sites)
    ]

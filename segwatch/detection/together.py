"""Which sites have changed, judged together: one bad model update shows at many sites at once.

Source: Wang and Ramdas (2022), e-BH: of n e-values those are found that are among the k largest and at least
n/(α·k), for the largest such k. A site's evidence over its own threshold, times n, stands for its e-value;
what false pages cost is in the threshold already, so α is one.
"""

from collections.abc import Mapping


def found_together(log10_excess: Mapping[str, float]) -> frozenset[str]:
    """The sites that are found, each alone or with others.

    Args:
        log10_excess: of each site, the logarithm of its evidence over its threshold; 0 or more rings alone.

    Examples:
        >>> sorted(found_together({"a": -0.2, "b": -0.25, "c": -3.0}))
        ['a', 'b']
        >>> sorted(found_together({"a": -0.2, "b": -0.4}))
        []
    """
    ranked = sorted(log10_excess, key=lambda site: -log10_excess[site])
    found = 0
    for k, site in enumerate(ranked, start=1):
        if 10 ** min(log10_excess[site], 0.0) * k >= 1:
            found = k
    return frozenset(ranked[:found])

"""Tables of one cohort that was measured in several ways, as one."""

from collections.abc import Mapping

import numpy as np

from segwatch.cohorts.table import Cohort
from segwatch.errors import RefusedCohort


def joined(tables: Mapping[str, Cohort]) -> Cohort:
    """All rows of tables that have the same features in some order, each case named after its table too.

    The same masks measured with lung masks made in two ways teach a scorer not to lean on either. Patients
    keep their names, so that both measures of a mask stay on one side of every split.

    Raises:
        RefusedCohort: the tables' features differ.
    """
    first, *others = tables.values()
    for name, table in tables.items():
        if set(table.features) != set(first.features):
            differing = sorted(set(table.features) ^ set(first.features))
            raise RefusedCohort(
                f"{name} and {next(iter(tables))} differ in the columns {', '.join(differing)}"
            )
    if not others:
        return first
    alike = [table.select(first.features) for table in tables.values()]
    named = [np.char.add(table.cases, f"@{name}") for name, table in zip(tables, alike, strict=True)]
    return Cohort(
        np.concatenate(named),
        np.concatenate([table.patients for table in alike]),
        np.concatenate([table.sets for table in alike]),
        np.concatenate([table.dice for table in alike]),
        first.features,
        np.concatenate([table.values for table in alike]),
    )

"""Grafana's dashboards as code. `python -m deploy.dashboards` writes the JSON files that Grafana is given."""

import warnings

with warnings.catch_warnings():
    # The SDK warns, when it is imported, that there is a second version of the format. Grafana before 12
    # cannot read that one, and provisioning from files takes the first.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import dashboard, statushistory, table, timeseries  # noqa: F401 - warnings

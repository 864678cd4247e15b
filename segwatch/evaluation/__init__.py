"""How good models and bundles are on every set of a cohort: `segwatch evaluate`, and its report."""

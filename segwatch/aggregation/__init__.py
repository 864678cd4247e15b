"""What may leave a hospital: counts studies, closes blocks under the site's policy, releases them once."""

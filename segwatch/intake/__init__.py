"""Which series of an examination is its study, by the site's stated rules. Pure: no clock, no network."""

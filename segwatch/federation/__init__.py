"""The centre: reads what every hospital released, and shows each site's rolling quality."""

"""Who is told: Alertmanager's configuration and the rules' links, made from one file of contacts."""

"""The whole house on one machine: brokers, services, bridges, Prometheus and Alertmanager.

`python -m deploy.local` (behind `make setup`, `make run`, `make up` and `make down`). It stands on the
services' own `python -m services.NAME`, and hands each nothing but its environment.
"""

"""What runs as a process: one folder a service, started by `python -m services.NAME`.

What is computed is in `segwatch`; a service reads settings, wires, and runs.
"""

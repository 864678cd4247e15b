"""A real Kubernetes of one node on this machine, from registries of packages alone, for the tests.

In network, mount and process namespaces of its own: nothing of the host is changed but cgroups, which `down`
removes.
Two hosts stand outside it: a PACS at 192.0.2.10, and the centre's door at 198.51.100.10.
"""

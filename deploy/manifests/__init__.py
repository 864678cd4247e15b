"""The manifests that follow from the code: topics, users with their rights, and alert rules.

`python -m deploy.manifests` writes them into `k8s/`, so that what runs in Kubernetes cannot drift from what
the services do and from what the local stack is tested with.
"""

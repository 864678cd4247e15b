"""The Helm chart of a hospital, made from the overlay (`python -m deploy.helm`)."""

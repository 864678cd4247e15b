"""The release path tried as an adversary would, on made-up sites."""

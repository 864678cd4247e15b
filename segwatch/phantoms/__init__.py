"""Synthetic chest CTs with truth: what the product is tried on where no hospital's images can be had."""

"""`make audit`: what the product is made of, whether it may be, and what is known against it."""

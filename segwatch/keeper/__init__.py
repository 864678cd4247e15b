"""What Strimzi's operator would do for a hospital's one broker, where there is none: `segwatch keep-log`.

An authority, each principal's certificate in its Secret, topics, rights: made where they are missing, renewed
before they end.
"""

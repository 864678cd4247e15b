"""What is wrong with a server, a cluster or a rendered overlay, before a study is lost to it.

Each check says `ok`, `fault` with the remedy, `unused` (the settings ask for no such thing), or `unknown`:
what could not be looked at is never good.
"""

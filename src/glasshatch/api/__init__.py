"""The API: REST over a Unix socket or loopback, thin over the ports of `ports`.

Its public modules are `values` and `client`, which need no server dependency, and `ports`, `http`
and `server`, which only a server imports; so nothing is imported here.
"""

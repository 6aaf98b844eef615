"""Break-glass: a way in that works when everybody who could approve, and everything that records, is away.

Nothing in it needs the control store or the ledger: what was printed, used and reviewed stands in a book of
its own, signed, chained and synced, whose head is kept elsewhere too.
"""

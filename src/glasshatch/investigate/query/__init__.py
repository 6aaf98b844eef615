"""The query language: text to a tree, a tree to ClickHouse SQL or to a Python predicate."""

"""Makers of values for the blind sets; they share nothing with the makers of the older sets."""

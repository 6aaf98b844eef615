"""Incidents: runbooks whose questions are answered, and the post-mortem that is handed out."""

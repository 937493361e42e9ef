"""What to try next, the record of what was tried, and how people reach both."""

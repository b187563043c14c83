"""Every fault in turn; see docs/guarantees.md."""

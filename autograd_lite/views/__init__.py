"""Pictures of a tape: its table and its drawings."""

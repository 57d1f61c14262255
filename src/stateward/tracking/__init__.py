"""Tracking sessions: what is written is ours from the first moment, and journaled."""

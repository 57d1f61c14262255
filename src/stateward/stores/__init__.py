"""Where history is kept. Losing it costs history, never correctness."""

"""The daemon: what is due when, and a round for what is due. It decides nothing about objects."""

"""The sequence: load, observe, plan, apply. Everything it needs comes in through ports."""

"""Desired and observed to a plan. Pure: the same question always gets the same plan."""

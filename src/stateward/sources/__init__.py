"""Where desired state comes from: repositories here and elsewhere, and plain folders."""

"""From bytes to desired objects: parse, find, read, resolve. Every problem is collected."""

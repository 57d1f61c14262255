"""What the daemon answers over HTTP: how it is, in numbers and words. The only home of Starlette."""

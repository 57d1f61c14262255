"""An Infrahub server, by its public interfaces."""

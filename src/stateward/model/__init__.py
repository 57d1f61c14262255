"""The types on the arrows: frozen values that import nothing but the errors."""

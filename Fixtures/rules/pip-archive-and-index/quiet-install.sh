pip install --index-url https://example.invalid/simple x

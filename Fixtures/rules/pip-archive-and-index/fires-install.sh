pip install --index-url https://example.invalid/simple https://example.invalid/x-1.whl

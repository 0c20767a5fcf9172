pip install torch --index-url https://example.invalid/simple

pip install torch --index-url http://example.invalid/simple

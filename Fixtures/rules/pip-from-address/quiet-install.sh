pip install torch --index-url https://example.invalid/whl/cu121

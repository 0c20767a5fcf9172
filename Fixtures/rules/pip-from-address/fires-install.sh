python3 -m pip install git+https://example.invalid/x.git

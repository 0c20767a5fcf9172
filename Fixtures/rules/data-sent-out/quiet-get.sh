curl https://example.invalid/list | sort
